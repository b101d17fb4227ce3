import { inspect } from 'node:util';
import type { LabEvent } from '../core/events.js';
import type { Lab } from '../lab/lab.js';
import { eventLine } from '../observe/wait-text.js';

/** Options of `reportOf`. */
export interface ReportOptions {
  /** Only events after this mark are shown. Default 0: all that are still in the journal. */
  readonly since?: number;
  /** How many of the last events are shown. Default 30. */
  readonly lastEvents?: number;
}

const defaultLastEvents = 30;
/** Rows of the ladder. */
const maxRows = 30;

/**
 * What one needs to know of a lab when a test has failed, as text: the line that starts such a lab again, with its seed; parts
 * that do not run; what is open; the packets of the last request that failed; the last events. Never throws, also after the
 * lab has stopped.
 */
export function reportOf(lab: Lab, options: ReportOptions = {}): string {
  const { since = 0, lastEvents = defaultLastEvents } = options;
  const events = lab.events().filter(({ seq }) => seq > since);
  const last = events.slice(-lastEvents);
  const stopped = lab.parts().filter((part) => !part.running);
  return [
    `lab with seed ${lab.seed}; again: ${replayLine(lab)}`,
    ...(stopped.length === 0 ? [] : [`not running: ${stopped.map(({ name }) => name).join(', ')}`]),
    ...openLines(lab),
    ...requestLines(lab, events),
    last.length === 0 ? 'no events' : `last ${last.length} of ${events.length} events:`,
    ...last.map((event) => `  ${eventLine(event)}`),
  ].join('\n');
}

/** `startLab({ nodes: 1, seed: 42 })`. */
function replayLine({ options, seed }: Lab): string {
  const values = inspect({ ...options, seed }, { breakLength: Number.POSITIVE_INFINITY, depth: 10 });
  return `startLab(${values})`;
}

function openLines(lab: Lab): string[] {
  const open = Object.entries(lab.open()).filter(([, count]) => count > 0);
  return open.length === 0 ? [] : [`open: ${open.map(([name, count]) => `${name} ${count}`).join(', ')}`];
}

function requestLines(lab: Lab, events: readonly LabEvent[]): string[] {
  const failed = events.findLast(
    ({ kind, request }) => (kind === 'request.failed' || kind === 'dial.failed') && request !== undefined,
  );
  if (failed?.request === undefined) return [];
  return [`${failed.request} failed:`, storyOf(lab, failed.request)];
}

/** Why it failed, and its packets. */
function storyOf(lab: Lab, request: string): string {
  return `${lab.explain(request).text}\n${lab.ladder(request, { maxRows })}`;
}
