import type { Packet } from '../../core/packet.js';
import type { ClosablePort, Congestible } from '../../core/port.js';

export interface StreamEnd {
  /** `finished`: the other end ended it in order. `lost`: transport or peer failed, or a timeout was over. */
  readonly kind: 'finished' | 'lost';
  /** The transport's text; empty for `finished`. */
  readonly text: string;
  /** The gRPC code by its Go name, such as `Unavailable`; `OK` for `finished`. */
  readonly code: string;
}

export interface PacketStreamOwner {
  /** A packet came in. Nothing more is read from the stream while the returned queue is congested. */
  packet(packet: Packet): Congestible | undefined;
  /** Called once, after all packets. */
  ended(end: StreamEnd): void;
  /** Called when reading stops because a queue is full, and when it continues. */
  paused?(paused: boolean): void;
}

/** One bidirectional stream of packets. Roles know gRPC, framing and windows only through this interface. */
export type PacketStream = ClosablePort;
