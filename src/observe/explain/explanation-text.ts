import type { LabEvent } from '../../core/events.js';
import { eventText, printable } from '../event-text.js';
import type { Explanation } from './explanation.js';

interface Proven {
  readonly cause: string;
  readonly faults: string;
  readonly why: string;
  readonly hint: string;
  readonly evidence: readonly LabEvent[];
}

interface Sources {
  readonly proven: readonly Proven[];
  /** The events of the request. */
  readonly own: readonly LabEvent[];
}

/** How many of its events are shown of a request without a proven cause. */
const mostEvents = 15;

/** An explanation as lines for people. */
export function explanationText(told: Omit<Explanation, 'text'>, { proven, own }: Sources): string {
  const { request, asked, saidBy, code } = told;
  const head = [
    `${printable(request)}${asked === '' ? '' : `: ${printable(asked)}`}`,
    `  the user saw   ${seen(told)}${code === undefined ? '' : ` [${code}]`}`,
    ...(saidBy === '' ? [] : [`  said by        ${saidBy}`]),
  ];
  const causes = proven.flatMap((cause, index) => causeLines(cause, index > 0));
  return [...head, ...(causes.length > 0 ? causes : unproven(told, own))].join('\n');
}

function seen({ outcome, line }: Pick<Explanation, 'outcome' | 'line'>): string {
  if (outcome === 'finished') return 'no error';
  if (outcome === 'open') return 'nothing yet';
  return line === '' ? 'an end without a word' : printable(line);
}

function causeLines({ cause, faults, why, hint, evidence }: Proven, isMore: boolean): readonly string[] {
  return [
    '',
    `${isMore ? 'and' : 'why'}  ${printable(why)}  (${cause}${faults === '' ? '' : `; ${faults}`})`,
    ...evidence.map(eventLine),
    `do   ${hint}`,
  ];
}

function unproven(
  { outcome, known, missing }: Omit<Explanation, 'text'>,
  own: readonly LabEvent[],
): readonly string[] {
  if (outcome === 'finished') return ['', 'It did not fail.'];
  const shown = own.filter(({ kind }) => kind !== 'packet').slice(-mostEvents);
  return [
    '',
    'why  No event proves a cause. This is known:',
    ...known.map((line) => `     ${printable(line)}`),
    ...shown.map(eventLine),
    ...(missing.length === 0 ? [] : ['', 'What would prove one:', ...missing.map((line) => `     ${line}`)]),
  ];
}

function eventLine(event: LabEvent): string {
  return `     #${event.seq}  ${event.t.toFixed(1)} ms  ${eventText(event)}`;
}
