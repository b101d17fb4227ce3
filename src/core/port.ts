import type { Packet } from './packet.js';

/** A queue that can be too full. Machines only return it; drivers wait for it. */
export interface Congestible {
  /** True while too many bytes are queued. The feeder should stop reading its source. */
  readonly congested: boolean;
  /** Calls `resume` once, when it is no longer congested or has ended. Call it only while `congested`. */
  whenClear(resume: () => void): void;
}

/** A queue that counts what its consumer takes. */
export interface Drained extends Congestible {
  /** All bytes that the consumer has taken so far. It never falls. */
  readonly takenBytes: number;
}

/** A queue that may share a bound with others. */
export interface BoundedQueue extends Drained {
  /** The queue no longer counts in the bound that it shares. */
  leaveBacklog?(): void;
}

/** Shows the state of a queue to its feeders. */
export abstract class QueueFront<Queue extends BoundedQueue> implements BoundedQueue {
  protected readonly queue: Queue;

  protected constructor(queue: Queue) {
    this.queue = queue;
  }

  get congested(): boolean {
    return this.queue.congested;
  }

  get takenBytes(): number {
    return this.queue.takenBytes;
  }

  whenClear(resume: () => void): void {
    this.queue.whenClear(resume);
  }

  leaveBacklog(): void {
    this.queue.leaveBacklog?.();
  }
}

/** One direction of a stream, to which a machine sends packets. Its driver queues them: a machine never waits. */
export interface PacketPort extends Congestible {
  /** Queues a packet. After the stream has ended it does nothing. */
  send(packet: Packet): void;
}

/** A stream that its machine may end. Its driver tells the machine of each end, also of the machine's own. */
export interface ClosablePort extends PacketPort, BoundedQueue {
  /** Sends the queued packets, then ends our direction. */
  finish(): void;
  /** Ends both directions at once. Queued packets are lost. */
  cancel(): void;
}
