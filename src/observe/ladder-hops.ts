import type { LabEvent, PacketEvent, PacketName } from '../core/events.js';
import { bytesText } from './event-text.js';
import { type ArrowStep, type Lane, laneIndex, type Tone } from './ladder-step.js';

/** One packet between two parts, seen at one end or at both. */
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
  /** How many packets are drawn as this one. */
  count: number;
  /** When the other end received it, lab ms. Undefined until then. */
  arrivedAt: number | undefined;
  /** A later packet of its kind arrived. In one stream this means that this packet was lost. */
  overtaken: boolean;
  /** The longest travel time of the packets drawn as this one. */
  latencyMs: number;
}

/** Joins the reports of sender and receiver about the same packet. */
export class HopPairing {
  private readonly waiting = new Map<string, Hop[]>();

  /** A new hop. Undefined when the event is the other end of an earlier hop. */
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
 * Draws DATA packets of one direction between two parts as one. Packets that the server passes on mix with later ones,
 * so packets may be joined when only such packets, and none of the other direction, are between them.
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
  WINDOW_UPDATE: 'data',
  HELD: 'close',
};

/** Below this a slow path cannot be told from a busy machine, ms. */
const notableLatencyMs = 10;
/** How long a packet may take before it counts as lost, ms, unless other events show it earlier. */
const patienceMs = 1000;

export interface HopDrawing {
  /** Lanes whose parts report received packets. Only there a missing report has a meaning. */
  readonly reporting: ReadonlySet<Lane>;
  /** The time of the newest event, ms of lab time. */
  readonly nowMs: number;
  /** A part on the path failed, and its packets under way are lost. */
  readonly broken: boolean;
  /** With several connections in one picture, DATA needs their IDs, too. */
  readonly idsOnData: boolean;
}

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
    case 'WINDOW_UPDATE':
      return [...(hop.failed ? ['error'] : []), ...slow, ...connection];
    case 'DRAIN':
    case 'HELD':
      return slow;
  }
}

/** The last four digits are enough to tell dial IDs apart. */
export function shortDial(dialId: string): string {
  return `d:${dialId.slice(-4)}`;
}
