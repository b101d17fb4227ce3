import type { ConnectionEvent, LabEvent } from '../../core/events.js';
import { ownEventsOf, type RequestEventEntry } from '../request-events.js';

export type DialEvent = LabEvent & ConnectionEvent;

/** What one part reported of a dial and its connection. */
export interface Side {
  readonly node: string;
  readonly started?: DialEvent;
  readonly established?: DialEvent;
  readonly failed?: DialEvent;
  readonly closed?: DialEvent;
  readonly stale?: DialEvent;
}

/** One dial of the request, seen from its three ends. */
export interface Dial {
  /** `host:port`; empty when no event says it. */
  readonly address: string;
  readonly frontend: Side | undefined;
  readonly server: Side | undefined;
  readonly agent: Side | undefined;
  /** The server that was dialled, and the agent that it chose, as far as events name them. */
  readonly serverName: string | undefined;
  readonly agentName: string | undefined;
}

const slots = {
  'dial.started': 'started',
  'endpoint.dialing': 'started',
  'dial.established': 'established',
  'endpoint.connected': 'established',
  'dial.failed': 'failed',
  'endpoint.failed': 'failed',
  'connection.closed': 'closed',
  'endpoint.closed': 'closed',
  'connection.stale': 'stale',
  'connection.reused': undefined,
} as const satisfies Record<ConnectionEvent['kind'], keyof Side | undefined>;

type Slot = Exclude<(typeof slots)[keyof typeof slots], undefined>;

export function isFrontend(node: string): boolean {
  return node.startsWith('client/') || node.startsWith('apiserver/');
}

function isDial(event: LabEvent): event is DialEvent {
  return Object.hasOwn(slots, event.kind);
}

/** The dials of a request, in the order in which they began. */
export function dialsOf(entries: readonly RequestEventEntry[], all: readonly LabEvent[]): readonly Dial[] {
  const dials = new Map<string, DialEvent[]>();
  let unnamed = 0;
  for (const { event, dialId } of entries) {
    if (!isDial(event)) continue;
    if (dialId === undefined && event.kind === 'dial.started') unnamed += 1;
    const key = dialId ?? `the dial ${unnamed} without an ID`;
    dials.set(key, [...(dials.get(key) ?? []), event]);
  }
  return [...dials.values()]
    .map((events) => dialOf([...events, ...behindConnect(events, all)]))
    .filter(({ frontend, server }) => (frontend ?? server) !== undefined);
}

/**
 * A frontend of HTTP CONNECT does not know the ID of its dial. The server's dial is its own if it is the only one to that
 * address in that time, and no other frontend names it.
 */
function behindConnect(own: readonly DialEvent[], all: readonly LabEvent[]): readonly DialEvent[] {
  const [first] = own;
  if (first === undefined || own.some(({ dialId }) => dialId !== undefined)) return [];
  const over = own.find(({ kind }) => kind === 'dial.established' || kind === 'dial.failed');
  const named = new Set(all.flatMap(({ node, dialId }) => (isFrontend(node) ? (dialId ?? []) : [])));
  const during = all.filter(
    (event): event is DialEvent =>
      (event.kind === 'dial.started' || event.kind === 'dial.failed') &&
      event.node.startsWith('server/') &&
      event.address === first.address &&
      event.seq > first.seq &&
      event.seq < (over?.seq ?? Infinity),
  );
  const ids = [...new Set(during.flatMap(({ dialId }) => dialId ?? []))].filter((id) => !named.has(id));
  const [dialId] = ids;
  if (dialId === undefined || ids.length > 1) return [];
  return ownEventsOf(all, { dialId }).flatMap(({ event }) => (isDial(event) ? event : []));
}

function dialOf(events: readonly DialEvent[]): Dial {
  const frontend = sideOf(events.filter(({ node }) => isFrontend(node)));
  const server = sideOf(events.filter(({ node }) => node.startsWith('server/')));
  const agent = sideOf(events.filter(({ node }) => node.startsWith('agent/')));
  const address = events.find((event) => event.address !== undefined)?.address ?? '';
  const serverName = server?.node ?? frontend?.started?.peer;
  return { address, frontend, server, agent, serverName, agentName: agent?.node ?? server?.started?.peer };
}

/** The first event of each kind: what comes later is an echo, such as the answer to a dial that was given up. */
function sideOf(events: readonly DialEvent[]): Side | undefined {
  const [first] = events;
  if (first === undefined) return undefined;
  const side: Partial<Record<Slot, DialEvent>> = {};
  for (const event of events) {
    const slot = slots[event.kind];
    if (slot !== undefined) side[slot] ??= event;
  }
  return { node: first.node, ...side };
}

export function isOpened({ frontend, server }: Dial): boolean {
  return (frontend?.established ?? server?.established) !== undefined;
}

/** When a failed dial was over for its frontend. */
export function overAt({ frontend, server }: Dial): LabEvent | undefined {
  return frontend?.failed ?? server?.failed;
}
