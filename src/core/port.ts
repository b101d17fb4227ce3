import type { Packet } from './packet.js';

/** Something that can be too full to take more. Machines only pass it on; drivers wait for it. */
export interface Congestible {
  /** True while more bytes are queued than it wants: whoever feeds it should stop reading his source. */
  readonly congested: boolean;
  /** Calls `resume` once, when it is no longer congested or has ended. Call it only while `congested`. */
  whenClear(resume: () => void): void;
}

/** A queue whose consumer can be seen at work. */
export interface Drained extends Congestible {
  /** Bytes that the consumer has taken since the beginning; it only grows. */
  readonly takenBytes: number;
}

/**
 * Where a machine sends packets: one direction of one stream. The driver behind it queues; a machine never waits.
 */
export interface PacketPort extends Congestible {
  /** Queues a packet. After the stream has ended it does nothing. */
  send(packet: Packet): void;
}

/** A stream that its machine may end. Its driver tells the machine of the end, whoever wanted it. */
export interface ClosablePort extends PacketPort, Drained {
  /** Sends what is queued, then ends our direction. */
  finish(): void;
  /** Ends both directions at once; what is queued is lost. */
  cancel(): void;
}
