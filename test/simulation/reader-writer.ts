import type { Clock, Timer } from '../../src/core/clock.js';
import { CongestionMeter } from '../../src/core/congestion.js';
import { type Congestible, QueueFront } from '../../src/core/port.js';
import type { ByteFlow } from '../support/invariants.js';
import { marks } from './network.js';

/** The most that a client and an endpoint write at a time, bytes. A chunk of a client may be more than a credit. */
export const chunks = { clientBytes: 400_000, endpointBytes: 40_000 } as const;

/** The queue of a reader: it takes all soon, or nothing while it rests. */
export class Reader extends QueueFront<CongestionMeter> {
  private readonly clock: Clock;
  private readonly took: (bytes: number) => void;
  private timer: Timer | undefined;
  private waitingBytes = 0;
  private isResting = false;

  constructor(clock: Clock, took: (bytes: number) => void) {
    super(new CongestionMeter(marks));
    this.clock = clock;
    this.took = took;
  }

  get resting(): boolean {
    return this.isResting;
  }

  add(bytes: number): void {
    this.queue.add(bytes);
    this.waitingBytes += bytes;
    this.takeSoon();
  }

  rest(): void {
    this.isResting = true;
    this.timer?.cancel();
    this.timer = undefined;
  }

  goOn(): void {
    this.isResting = false;
    this.takeSoon();
  }

  /** The connection is over. */
  drop(): void {
    this.rest();
    this.waitingBytes = 0;
    this.queue.clear();
  }

  private takeSoon(): void {
    if (this.isResting || this.waitingBytes === 0) return;
    this.timer ??= this.clock.after(0, () => {
      this.timer = undefined;
      const bytes = this.waitingBytes;
      this.waitingBytes = 0;
      this.queue.remove(bytes);
      this.took(bytes);
    });
  }
}

/** Writes as drivers do: two chunks or less, until what takes the bytes is not full any more. */
export class Writer {
  private readonly flow: ByteFlow;
  private readonly chunkBytes: number;
  private readonly write: (bytes: Uint8Array) => Congestible | undefined;
  private leftBytes = 0;
  private waits = false;
  private state: 'writing' | 'ending' | 'over' = 'writing';
  private whenDone: () => void = () => undefined;

  constructor(flow: ByteFlow, chunkBytes: number, write: (bytes: Uint8Array) => Congestible | undefined) {
    this.flow = flow;
    this.chunkBytes = chunkBytes;
    this.write = write;
  }

  get idle(): boolean {
    return this.leftBytes === 0 && !this.waits;
  }

  add(bytes: number): void {
    if (this.state !== 'writing') return;
    this.leftBytes += bytes;
    this.goOn();
  }

  /** Calls `whenDone` when all is written. Returns false when it ends already. */
  end(whenDone: () => void): boolean {
    if (this.state !== 'writing') return false;
    this.state = 'ending';
    this.whenDone = whenDone;
    this.goOn();
    return true;
  }

  /** The connection is over: nothing more is written. */
  drop(): void {
    this.state = 'over';
    this.leftBytes = 0;
  }

  private goOn(): void {
    while (this.leftBytes > 0 && !this.waits) {
      const first = this.writeChunk();
      const second = this.leftBytes > 0 ? this.writeChunk() : undefined;
      this.waitFor(second ?? first);
    }
    if (this.leftBytes > 0 || this.state !== 'ending') return;
    this.state = 'over';
    this.whenDone();
  }

  private writeChunk(): Congestible | undefined {
    const bytes = Math.min(this.leftBytes, this.chunkBytes);
    this.leftBytes -= bytes;
    return this.write(this.flow.next(bytes));
  }

  private waitFor(full: Congestible | undefined): void {
    if (full === undefined || !full.congested) return;
    this.waits = true;
    full.whenClear(() => {
      this.waits = false;
      this.goOn();
    });
  }
}
