import type { LabEvent, PacketEvent, PacketName } from '../core/events.js';
import { bytesText } from './event-text.js';
import { type ArrowStep, type Lane, laneIndex, type Tone } from './ladder-step.js';

/** One packet on its way between two parties, seen at one end or at both. */
export interface Hop {
  readonly kind: 'hop';
  readonly t: number;
  readonly from: Lane;
  readonly to: Lane;
  readonly packet: PacketName;
  readonly dialId: string | undefined;
  readonly connectId: string | undefined;
  /** A DIAL_RSP or CLOSE_RSP that carries an error. */
  readonly failed: boolean;
  bytes: number;
  /** Packets drawn as this one. */
  count: number;
  /** Undefined until the other end took it. */
  arrivedAt: number | undefined;
  /** A later packet of its kind arrived, which one stream cannot do without losing this one. */
  overtaken: boolean;
  /** The longest way of the packets drawn as this one. */
  latencyMs: number;
}

/** Brings together what sender and receiver report of the same packet. */
export class HopPairing {
  private readonly waiting = new Map<string, Hop[]>();

  /** A new hop, or undefined when the event is the other end of one already given out. */
  add(
    event: LabEvent & PacketEvent,
    route: { from: Lane; to: Lane },
    dialId: string | undefined,
  ): Hop | undefined {
    const key = `${route.from} ${route.to} ${event.packet} ${dialId ?? ''}`;
    const queue = this.waiting.get(key) ?? [];
    if (event.dir === 'in') {
      const index = queue.findIndex(({ bytes }) => bytes === event.bytes);
      const [sent] = index === -1 ? [] : queue.splice(index, 1);
      for (const earlier of queue.slice(0, Math.max(0, index))) earlier.overtaken = true;
      if (sent !== undefined) {
        sent.arrivedAt = event.t;
        sent.latencyMs = event.t - sent.t;
        return undefined;
      }
    }
    const hop = newHop(event, route, dialId);
    if (event.dir === 'out') this.waiting.set(key, [...queue, hop]);
    return hop;
  }
}

function newHop(
  event: LabEvent & PacketEvent,
  route: { from: Lane; to: Lane },
  dialId: string | undefined,
): Hop {
  return {
    kind: 'hop',
    t: event.t,
    ...route,
    packet: event.packet,
    dialId,
    connectId: event.connectId,
    failed: event.text !== undefined && (event.packet === 'DIAL_RSP' || event.packet === 'CLOSE_RSP'),
    bytes: event.bytes,
    count: 1,
    arrivedAt: event.dir === 'in' ? event.t : undefined,
    overtaken: false,
    latencyMs: 0,
  };
}

/**
 * Draws neighbouring DATA packets of one direction as one for each pair of parties. Packets handed on by the server
 * interleave with those that follow them, so «neighbouring» means: nothing else, and nothing the other way, between.
 */
export function mergeData<T extends { readonly kind: string }>(steps: readonly (T | Hop)[]): (T | Hop)[] {
  const merged: (T | Hop)[] = [];
  let run = new Map<string, Hop>();
  let heading = 0;
  for (const step of steps) {
    const hop = isHop(step) && step.packet === 'DATA' ? step : undefined;
    const direction = hop === undefined ? 0 : Math.sign(laneIndex(hop.to) - laneIndex(hop.from));
    if (direction !== heading) run = new Map();
    heading = direction;
    const key =
      hop === undefined ? '' : `${hop.from} ${hop.to} ${hop.dialId ?? ''} ${hop.arrivedAt === undefined}`;
    const earlier = run.get(key);
    if (hop === undefined || earlier === undefined) {
      merged.push(step);
      if (hop !== undefined) run.set(key, hop);
      continue;
    }
    earlier.count += hop.count;
    earlier.bytes += hop.bytes;
    earlier.latencyMs = Math.max(earlier.latencyMs, hop.latencyMs);
  }
  return merged;
}

function isHop(step: { readonly kind: string }): step is Hop {
  return step.kind === 'hop';
}

const tones: Record<PacketName, Tone> = {
  DIAL_REQ: 'dial',
  DIAL_RSP: 'dial',
  DIAL_CLS: 'close',
  CLOSE_REQ: 'close',
  CLOSE_RSP: 'close',
  DATA: 'data',
  DRAIN: 'drain',
};

/** Below this nobody can tell a slow way from a busy machine. */
const notableLatencyMs = 10;

/** How long a packet may take before it counts as lost, if nothing else tells. */
const patienceMs = 1000;

export interface HopDrawing {
  /** Lanes whose parties report what they take; only there does silence mean anything. */
  readonly reporting: ReadonlySet<Lane>;
  /** The latest time known, in milliseconds of lab time. */
  readonly nowMs: number;
  /** A part on the way failed, and took along what was under way. */
  readonly broken: boolean;
  /** With several connections in one picture DATA needs their IDs too. */
  readonly idsOnData: boolean;
}

/** The arrow of a hop. */
export function arrowOf(hop: Hop, drawing: HopDrawing): ArrowStep {
  const { t, from, to, packet } = hop;
  const head = headOf(hop, drawing);
  return {
    kind: 'arrow',
    t,
    from,
    to,
    name: packet,
    details: detailsOf(hop, drawing.idsOnData),
    tone: head === 'lost' || hop.failed ? 'bad' : tones[packet],
    head,
  };
}

function headOf(hop: Hop, { reporting, nowMs, broken }: HopDrawing): ArrowStep['head'] {
  if (hop.arrivedAt !== undefined || !reporting.has(hop.to)) return 'arrived';
  return hop.overtaken || broken || nowMs - hop.t > patienceMs ? 'lost' : 'underway';
}

function detailsOf(hop: Hop, idsOnData: boolean): string[] {
  const connection = hop.connectId === undefined ? [] : [`c:${hop.connectId}`];
  const slow = hop.latencyMs >= notableLatencyMs ? [`+${Math.round(hop.latencyMs)}ms`] : [];
  switch (hop.packet) {
    case 'DATA':
      return [
        ...(hop.count > 1 ? [`×${hop.count}`] : []),
        bytesText(hop.bytes),
        ...slow,
        ...(idsOnData ? connection : []),
      ];
    case 'DIAL_REQ':
    case 'DIAL_CLS':
      return [...slow, ...(hop.dialId === undefined ? [] : [shortDial(hop.dialId)])];
    case 'DIAL_RSP':
    case 'CLOSE_REQ':
    case 'CLOSE_RSP':
      return [...(hop.failed ? ['error'] : []), ...slow, ...connection];
    case 'DRAIN':
      return slow;
  }
}

/** The last four digits tell dial IDs apart well enough for the eye. */
export function shortDial(dialId: string): string {
  return `d:${dialId.slice(-4)}`;
}
