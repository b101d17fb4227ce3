import type { ConnectId, Packet, PacketKind } from '../../core/packet.js';
import { PacketBatch } from '../codec/packet-batch.js';

/** How much a connection may send at a time while others wait, bytes. A larger packet goes alone. */
export const quantumBytes = 32 * 1024;

/** Packets of one connection that are sent together. */
export interface Queued {
  readonly batch: PacketBatch;
  readonly startedAt: number;
  /** As counted by the meter of the stream. */
  meterBytes: number;
}

/** Packets that name a connection and do not wait for its turn. */
const urgentKinds: ReadonlySet<PacketKind> = new Set(['WINDOW_UPDATE', 'DIAL_RSP']);

/** The connection for whose turn a packet waits. Undefined: it goes first. */
export function turnOf(packet: Packet): ConnectId | undefined {
  return 'connectId' in packet && !urgentKinds.has(packet.kind) ? packet.connectId : undefined;
}

/** The packets of one connection, in order. */
interface Flow {
  readonly key: ConnectId | undefined;
  readonly waiting: Queued[];
  listed: boolean;
}

/**
 * The packets that wait for one stream, which many connections share. They take turns, so that a keystroke does not wait
 * behind the bulk of others. Packets of one connection keep their order, and its CLOSE stays behind its DATA.
 *
 * First go packets of no connection, answers to dials, and WINDOW_UPDATE, because late credit does not help. They keep their order:
 * a HELD is behind the DIAL_RSP of each connection that it names (R32). Then each connection that has just begun to
 * send, for one turn, and then the others in a circle. As in fq_codel, a connection whose queue is empty stays in the circle
 * until its turn: else one that sends little at a time would always be new, and many of them would starve the rest.
 */
export class FairQueue {
  private readonly urgent = createFlow(undefined);
  private readonly flows = new Map<ConnectId, Flow>();
  private readonly fresh: Flow[] = [];
  private readonly circle: Flow[] = [];
  private readonly maxPackets: number;
  private readonly fair: boolean;

  /** `maxPackets`: how many packets go together at most. Unless `fair`, all go in the order in which they came. */
  constructor({ maxPackets, fair }: { readonly maxPackets: number; readonly fair: boolean }) {
    this.maxPackets = maxPackets;
    this.fair = fair;
  }

  /** Adds a packet that the meter counts as `bytes`. `now` is called when it begins a turn. */
  add(packet: Packet, bytes: number, now: () => number): void {
    const flow = this.flowOf(packet);
    let last = flow.waiting.at(-1);
    if (
      last === undefined ||
      last.batch.packets >= this.maxPackets ||
      last.meterBytes + bytes > quantumBytes
    ) {
      last = { batch: new PacketBatch(), startedAt: now(), meterBytes: 0 };
      flow.waiting.push(last);
    }
    last.batch.add(packet);
    last.meterBytes += bytes;
  }

  /** The next packets of one connection. Undefined when no packet waits, or the next are more than `roomBytes`. */
  take(roomBytes: number): Queued | undefined {
    const [urgent] = this.urgent.waiting;
    if (urgent !== undefined) return urgent.meterBytes > roomBytes ? undefined : this.urgent.waiting.shift();
    for (;;) {
      const list = this.fresh.length > 0 ? this.fresh : this.circle;
      const [flow] = list;
      if (flow === undefined) return undefined;
      const [next] = flow.waiting;
      if (next !== undefined && next.meterBytes > roomBytes) return undefined;
      list.shift();
      if (next === undefined) this.unlist(flow);
      else {
        flow.waiting.shift();
        this.circle.push(flow);
        return next;
      }
    }
  }

  private flowOf(packet: Packet): Flow {
    const connectId = this.fair ? turnOf(packet) : undefined;
    if (connectId === undefined) return this.urgent;
    const flow = this.flows.get(connectId) ?? createFlow(connectId);
    if (!flow.listed) {
      flow.listed = true;
      this.flows.set(connectId, flow);
      this.fresh.push(flow);
    }
    return flow;
  }

  private unlist(flow: Flow): void {
    flow.listed = false;
    if (flow.key !== undefined) this.flows.delete(flow.key);
  }
}

const createFlow = (key: ConnectId | undefined): Flow => ({ key, waiting: [], listed: false });
