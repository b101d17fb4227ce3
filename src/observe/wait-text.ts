import type { LabEvent } from '../core/events.js';
import { type EventPattern, mismatches } from './event-match.js';
import { eventText } from './event-text.js';

const lastEvents = 5;

interface FailedWait {
  readonly wanted: EventPattern | ((event: LabEvent) => boolean);
  readonly withinMs: number;
  readonly events: readonly LabEvent[];
}

/** Describes the awaited event, the event that matched best, and the last events. */
export function timeoutText({ wanted, withinMs, events }: FailedWait): string {
  const what = typeof wanted === 'function' ? 'event matching the predicate' : patternText(wanted);
  const lines = [`no ${what} within ${withinMs} ms`];
  const nearest = typeof wanted === 'function' ? undefined : nearestMiss(wanted, events);
  if (nearest !== undefined)
    lines.push(`nearest: ${line(nearest.event)} (differs in ${nearest.fields.join(', ')})`);
  if (events.length === 0) lines.push('no event since the mark');
  else lines.push('last events:', ...events.slice(-lastEvents).map((event) => `  ${line(event)}`));
  return lines.join('\n');
}

function patternText(pattern: EventPattern): string {
  const fields = Object.entries(pattern).filter(([field, value]) => field !== 'kind' && value !== undefined);
  return [pattern.kind, ...fields.map(([field, value]) => `${field}=${String(value)}`)].join(' ');
}

function nearestMiss(
  pattern: EventPattern,
  events: readonly LabEvent[],
): { event: LabEvent; fields: string[] } | undefined {
  let best: { event: LabEvent; fields: string[] } | undefined;
  for (const event of events) {
    if (event.kind !== pattern.kind) continue;
    const fields = mismatches(pattern, event);
    // Of equally good events the later one is more useful.
    if (best === undefined || fields.length <= best.fields.length) best = { event, fields };
  }
  return best;
}

function line(event: LabEvent): string {
  return `#${event.seq} ${event.t.toFixed(1)} ms  ${eventText(event)}`;
}
