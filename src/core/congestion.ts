import type { Drained } from './port.js';

/** Byte marks of a queue: above `highBytes` it is congested, until it is down to `lowBytes`. */
export interface CongestionMarks {
  readonly highBytes: number;
  readonly lowBytes: number;
}

/** Enough to keep a loopback stream busy, short enough that a keystroke does not wait long behind bulk. */
export const defaultMarks: CongestionMarks = { highBytes: 256 * 1024, lowBytes: 64 * 1024 };

/**
 * For the queue of one connection behind a stream that many share. Pausing the shared stream for one slow reader stops
 * all others, and where a reader waits for its own writes to get through, everybody for good. So one connection may
 * have this much waiting before it comes to that: more than what the windows of HTTP/2 inside it let through.
 */
export const connectionMarks: CongestionMarks = { highBytes: 4 * 1024 * 1024, lowBytes: 1024 * 1024 };

/** Counts the bytes on their way out and wakes the feeders when there is room again. */
export class CongestionMeter implements Drained {
  private queued = 0;
  private taken = 0;
  private full = false;
  private waiting: (() => void)[] = [];
  private readonly marks: CongestionMarks;

  constructor(marks: CongestionMarks = defaultMarks) {
    this.marks = marks;
  }

  get congested(): boolean {
    return this.full;
  }

  get queuedBytes(): number {
    return this.queued;
  }

  get takenBytes(): number {
    return this.taken;
  }

  add(bytes: number): void {
    this.queued += bytes;
    if (this.queued > this.marks.highBytes) this.full = true;
  }

  remove(bytes: number): void {
    this.queued -= bytes;
    this.taken += bytes;
    if (this.full && this.queued <= this.marks.lowBytes) this.clear();
  }

  whenClear(resume: () => void): void {
    this.waiting.push(resume);
  }

  /** The stream ended: nothing holds anybody up any more. */
  clear(): void {
    this.full = false;
    const woken = this.waiting;
    this.waiting = [];
    for (const resume of woken) resume();
  }
}
