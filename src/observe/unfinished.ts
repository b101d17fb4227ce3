import type { EventKind, LabEvent } from '../core/events.js';

const begins: ReadonlySet<EventKind> = new Set<EventKind>(['dial.started', 'endpoint.dialing']);
const ends: ReadonlySet<EventKind> = new Set<EventKind>([
  'dial.failed',
  'connection.closed',
  'endpoint.failed',
  'endpoint.closed',
]);
/** With it end all dials and connections of its node. */
const leaves: ReadonlySet<EventKind> = new Set<EventKind>(['role.killed', 'role.stopped']);

/** The beginnings of dials and connections that have not ended at the node that began them, oldest first. */
export function unfinishedDials(events: readonly LabEvent[]): LabEvent[] {
  const open = new Map<string, LabEvent>();
  for (const event of events) {
    const key = `${event.node} ${event.dialId}`;
    if (begins.has(event.kind)) open.set(key, event);
    else if (ends.has(event.kind)) open.delete(key);
    else if (leaves.has(event.kind)) {
      for (const [known, { node }] of open) if (node === event.node) open.delete(known);
    }
  }
  return [...open.values()];
}
