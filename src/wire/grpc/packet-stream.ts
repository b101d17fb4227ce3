import type { Packet } from '../../core/packet.js';
import type { ClosablePort, Congestible } from '../../core/port.js';

/** How a stream of packets ended. */
export interface StreamEnd {
  /** `finished`: the other end was done. `lost`: the transport, the peer's process or its patience broke. */
  readonly kind: 'finished' | 'lost';
  /** The transport's words; empty for `finished`. */
  readonly text: string;
  /** The gRPC code by its Go name, such as `Unavailable`; `OK` for `finished`. */
  readonly code: string;
}

/** What the owner of a stream is told. */
export interface PacketStreamOwner {
  /** A packet came in. While what it returns is congested, nothing more is read from the stream. */
  packet(packet: Packet): Congestible | undefined;
  /** Called once; no packet comes after it. */
  ended(end: StreamEnd): void;
  /** Reading stopped because what took the last packet is full, or went on. */
  paused?(paused: boolean): void;
}

/**
 * One bidirectional stream of packets: the interface behind which the byte path may change. All that the roles know of
 * gRPC, framing and windows is this.
 */
export type PacketStream = ClosablePort;
