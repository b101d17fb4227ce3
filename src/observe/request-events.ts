import type { EventKind, LabEvent } from '../core/events.js';

/** A request, named by its events' `request` or by one of its dials. */
export type RequestSelector = { readonly request: string } | { readonly dialId: string };

export interface RequestEventEntry {
  readonly event: LabEvent;
  readonly dialId: string | undefined;
}

/** Failures of parts on the path. They are shown with a request that they hit. */
const mishaps: ReadonlySet<EventKind> = new Set<EventKind>([
  'role.stopped',
  'role.killed',
  'agent.disconnected',
  'agent.draining',
  'backend.disconnected',
]);

/** True when a part failed or was stopped during the request. */
export function isMishap(event: LabEvent): boolean {
  return mishaps.has(event.kind);
}

/**
 * All events of one request in order, from every part. Servers and agents do not know requests, so their events are
 * found by dial ID. DATA only has a connect ID; it is found by the DIAL_RSP with both IDs between the same two parts.
 * Connect IDs start again at 1 when an agent restarts, so the latest such DIAL_RSP counts.
 */
export function eventsOfRequest(events: readonly LabEvent[], selector: RequestSelector): RequestEventEntry[] {
  const entries = withDials(events);
  const own = ownEvents(entries, selector);
  return own.length === 0 ? [] : addMishaps(own, entries);
}

/** The events of one request alone, without the failures of parts on its way. */
export function ownEventsOf(events: readonly LabEvent[], selector: RequestSelector): RequestEventEntry[] {
  return ownEvents(withDials(events), selector);
}

function ownEvents(entries: readonly RequestEventEntry[], selector: RequestSelector): RequestEventEntry[] {
  const named = 'request' in selector ? selector.request : undefined;
  const dials = new Set('dialId' in selector ? [selector.dialId] : []);
  for (const { event, dialId } of entries) {
    if (named !== undefined && event.request === named && dialId !== undefined) dials.add(dialId);
  }
  return entries.filter(
    ({ event, dialId }) =>
      (named !== undefined && event.request === named) || (dialId !== undefined && dials.has(dialId)),
  );
}

/** Each event with its dial, where it has one, its own or that of its connection. */
export function withDials(events: readonly LabEvent[]): RequestEventEntry[] {
  const owners = new Map<string, string>();
  return events.map((event) => {
    const key =
      event.connectId === undefined ? undefined : `${event.node} ${event.peer ?? ''} ${event.connectId}`;
    if (event.dialId === undefined) return { event, dialId: key === undefined ? undefined : owners.get(key) };
    if (key !== undefined) owners.set(key, event.dialId);
    return { event, dialId: event.dialId };
  });
}

function addMishaps(
  own: readonly RequestEventEntry[],
  all: readonly RequestEventEntry[],
): RequestEventEntry[] {
  const parties = new Set(own.flatMap(({ event }) => [event.node, event.peer ?? event.node]));
  const firstSeq = own[0]?.event.seq ?? 0;
  const lastSeq = own.at(-1)?.event.seq ?? 0;
  const members = new Set(own);
  return all.filter((entry) => {
    const { seq, node } = entry.event;
    if (members.has(entry)) return true;
    return seq > firstSeq && seq < lastSeq && isMishap(entry.event) && parties.has(node);
  });
}
