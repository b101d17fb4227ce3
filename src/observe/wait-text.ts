import type { LabEvent } from '../core/events.js';
import { type EventPattern, mismatches } from './event-match.js';
import { eventText } from './event-text.js';

const lastEvents = 5;

type Wanted = EventPattern | ((event: LabEvent) => boolean);

interface FailedWait {
  readonly wanted: Wanted;
  readonly withinMs: number;
  readonly events: readonly LabEvent[];
}

/** Describes the awaited event, the event that matched best, and the last events. */
export function timeoutText({ wanted, withinMs, events }: FailedWait): string {
  return [`no ${wantedText(wanted)} within ${withinMs} ms`, ...missLines(wanted, events)].join('\n');
}

/** The event that matched best, and the last events. */
export function missLines(wanted: Wanted, events: readonly LabEvent[]): string[] {
  const nearest = typeof wanted === 'function' ? undefined : nearestMiss(wanted, events);
  const lines = nearest === undefined ? [] : [nearestText(nearest)];
  if (events.length === 0) return [...lines, 'no event since the mark'];
  return [...lines, 'last events:', ...events.slice(-lastEvents).map((event) => `  ${eventLine(event)}`)];
}

/** The kind and the fields of a pattern, in one line. */
export function wantedText(wanted: Wanted): string {
  if (typeof wanted === 'function') return 'event matching the predicate';
  const fields = Object.entries(wanted).filter(([field, value]) => field !== 'kind' && value !== undefined);
  return [wanted.kind, ...fields.map(([field, value]) => `${field}=${String(value)}`)].join(' ');
}

/** One event of a journal as one line, with its number and its time. */
export function eventLine(event: LabEvent): string {
  return `#${event.seq} ${event.t.toFixed(1)} ms  ${eventText(event)}`;
}

interface Miss {
  readonly event: LabEvent;
  readonly fields: readonly string[];
}

function nearestText({ event, fields }: Miss): string {
  return `nearest: ${eventLine(event)} (differs in ${fields.join(', ')})`;
}

function nearestMiss(pattern: EventPattern, events: readonly LabEvent[]): Miss | undefined {
  let best: Miss | undefined;
  for (const event of events) {
    if (event.kind !== pattern.kind) continue;
    const fields = mismatches(pattern, event);
    // Of equally good events the later one is more useful.
    if (best === undefined || fields.length <= best.fields.length) best = { event, fields };
  }
  return best;
}
