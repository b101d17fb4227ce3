import type { z } from 'zod';
import type { Packet } from '../../core/packet.js';
import type { FlowSide } from '../flow.js';
import type { PacketFlow, PacketTurn } from '../packet-flow.js';

/** One kind of fault of the packets of a link. It has `turn`, for each packet, or `strike`, once for a stream. */
export interface PacketFaultKind<S> {
  /** What it does, one sentence. */
  readonly does: string;
  /** What it teaches, one sentence. */
  readonly lesson: string;
  /** What happens when it is removed. */
  readonly heals: string;
  readonly settings: z.ZodType<S>;
  /** What becomes of a packet. Undefined: it is none of those that the fault is for. */
  readonly turn?: (settings: S, packet: Packet) => PacketTurn | undefined;
  readonly strike?: (settings: S) => Strike;
}

/** What a fault does to one stream. */
export interface Strike {
  /** For the journal. */
  readonly text: string;
  /** The packet that it puts in. */
  readonly packet?: Packet;
  /** Does it. `sides`: the ends whose direction the fault is for. */
  readonly act: (flow: PacketFlow, sides: readonly FlowSide[]) => void;
}
