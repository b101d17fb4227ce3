import type { LabEvent } from '../core/events.js';
import { printable } from './event-text.js';
import { drawArrow, drawNote, type Layout, Line, lifelines, timeColumns } from './ladder-row.js';
import { type LadderStep, type Lane, lanes } from './ladder-step.js';
import { type Cast, dialLegend, laneOf, stepsOf } from './ladder-steps.js';
import { eventsOfRequest, type RequestEventEntry, type RequestSelector } from './request-events.js';

/** Options of `Lab.ladder`. */
export interface LadderOptions {
  /** ANSI colours. Default false. */
  readonly colour?: boolean;
  /** Columns of the picture, 60 to 100. Default 100. */
  readonly width?: number;
  /** Rows before the middle of a long conversation is left out. Default 60. */
  readonly maxRows?: number;
}

const maxWidth = 100;
const minWidth = 60;
const defaultRows = 60;

/**
 * Draws the packets of one request as text: a column for each part, a row for each packet or step, and the time in ms
 * since the first. Consecutive DATA is one row with the number of packets and bytes.
 */
export function drawLadder(
  events: readonly LabEvent[],
  selector: RequestSelector,
  options: LadderOptions = {},
): string {
  const entries = eventsOfRequest(events, selector);
  const start = entries[0]?.event.t;
  if (start === undefined) return `the journal has no events of ${nameOf(selector)}`;
  const cast = castOf(entries);
  const around = { reporting: reportingLanes(events, cast), nowMs: events.at(-1)?.t ?? start };
  const steps = stepsOf(entries, cast, around);
  const present = lanes.filter((lane) => steps.some((step) => involves(step, lane)));
  const layout = layoutOf(present, options);
  const rows = leaveOutMiddle(steps, options.maxRows ?? defaultRows);
  const body = rows.flatMap((step) => drawStep(step, layout, start));
  return [...header(present, entries, cast, layout), lifelines(layout), ...body, lifelines(layout)]
    .map((line) => line.toString(layout.colour))
    .concat(legend(entries, body))
    .join('\n');
}

function nameOf(selector: RequestSelector): string {
  return 'request' in selector
    ? `request ${printable(selector.request)}`
    : `dial ${printable(selector.dialId)}`;
}

/** An apiserver that sent packets or took the request is the frontend. Otherwise the client is. */
function castOf(entries: readonly RequestEventEntry[]): Cast {
  const apiserver = entries.some(({ event }) => event.node.startsWith('apiserver/'));
  return { frontend: apiserver ? 'apiserver' : 'client' };
}

function reportingLanes(events: readonly LabEvent[], cast: Cast): ReadonlySet<Lane> {
  const reporting = new Set<Lane>();
  for (const event of events) {
    if (event.kind !== 'packet' || event.dir !== 'in') continue;
    const lane = laneOf(event.node, undefined, cast);
    if (lane !== undefined) reporting.add(lane);
  }
  return reporting;
}

function involves(step: LadderStep, lane: Lane): boolean {
  switch (step.kind) {
    case 'arrow':
      return step.from === lane || step.to === lane;
    case 'note':
      return step.lane === lane;
    case 'gap':
      return false;
  }
}

const leftMargin = timeColumns + 2;
/** Columns at the right of the last lane, for the name of its role. */
const rightMargin = 10;
const widestGap = 24;

function layoutOf(present: readonly Lane[], options: LadderOptions): Layout {
  const width = Math.min(maxWidth, Math.max(minWidth, options.width ?? maxWidth));
  const gaps = Math.max(1, present.length - 1);
  const gap = Math.min(widestGap, Math.floor((width - leftMargin - rightMargin) / gaps));
  const columns = new Map(present.map((lane, index) => [lane, leftMargin + index * gap]));
  return { columns, width, colour: options.colour ?? false };
}

function header(
  present: readonly Lane[],
  entries: readonly RequestEventEntry[],
  cast: Cast,
  layout: Layout,
): Line[] {
  const roles = new Line(layout.width).put(timeColumns - 2, 'ms', 'dim');
  const names = new Line(layout.width);
  const columns = [...layout.columns.values()];
  const gap = (columns[1] ?? layout.width) - (columns[0] ?? 0);
  for (const [index, lane] of present.entries()) {
    const column = columns[index] ?? 0;
    roles.put(column, lane === 'kubelet' ? endpointTitle(entries) : lane, 'bold');
    const name = cut(namesIn(lane, entries, cast).join(', '), gap - 1);
    names.put(Math.min(column, layout.width - name.length), name, 'dim');
  }
  return [roles, names];
}

function namesIn(lane: Lane, entries: readonly RequestEventEntry[], cast: Cast): string[] {
  if (lane === 'kubelet') return [...new Set(entries.flatMap(({ event }) => endpointAddress(event)))];
  const nodes = entries
    .flatMap(({ event }) => [event.node, ...(event.kind === 'request.started' ? [event.peer ?? ''] : [])])
    .filter((node) => laneOf(node, undefined, cast) === lane);
  return [...new Set(nodes.map((node) => printable(node.slice(node.indexOf('/') + 1))))];
}

function endpointAddress(event: LabEvent): string[] {
  return event.kind.startsWith('endpoint.') && 'address' in event && event.address !== undefined
    ? [printable(event.address)]
    : [];
}

/** An endpoint is called a kubelet when it reports as one or has a kubelet's port. */
function endpointTitle(entries: readonly RequestEventEntry[]): string {
  const kubelet = entries.some(
    ({ event }) =>
      event.node.startsWith('kubelet/') ||
      endpointAddress(event).some((address) => address.endsWith(':10250')),
  );
  return kubelet ? 'kubelet' : 'endpoint';
}

function drawStep(step: LadderStep, layout: Layout, start: number): Line[] {
  switch (step.kind) {
    case 'arrow':
      return [drawArrow(step, layout, timeText(step.t - start))];
    case 'note':
      return drawNote(step, layout, timeText(step.t - start));
    case 'gap':
      return [new Line(layout.width).put(leftMargin, step.text, 'dim')];
  }
}

function timeText(ms: number): string {
  return ms < 99_999 ? ms.toFixed(1) : ms.toFixed(0);
}

/** The beginning and the end of a conversation are more useful than its middle. */
function leaveOutMiddle(steps: readonly LadderStep[], maxRows: number): LadderStep[] {
  if (steps.length <= maxRows) return [...steps];
  const head = Math.ceil((maxRows - 1) / 2);
  const tail = maxRows - 1 - head;
  const left = steps.length - head - tail;
  const gap: LadderStep = { kind: 'gap', text: `⋮ ${left} more rows` };
  return [...steps.slice(0, head), gap, ...steps.slice(steps.length - tail)];
}

/** Explains only the signs that the picture has. */
function legend(entries: readonly RequestEventEntry[], body: readonly Line[]): string[] {
  const drawn = body.map((line) => line.toString(false)).join('\n');
  const signs: [RegExp, string][] = [
    [/ c:\d/, 'c: = connect ID'],
    [/ ×\d/, '×n = packets drawn as one'],
    [/ \+\d+ms/, '+ms = time on the way'],
    [/╌✗|✗╌/, '╌✗ = did not arrive'],
    [/╌►|◄╌/, '╌► = still on the way'],
  ];
  const used = signs.filter(([sign]) => sign.test(drawn)).map(([, meaning]) => meaning);
  const parts = [...dialLegend(entries), ...used];
  return parts.length === 0 ? [] : ['', ...parts.map((part) => `  ${part}`)];
}

function cut(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, Math.max(0, room - 1))}…`;
}
