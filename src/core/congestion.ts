import type { Drained } from './port.js';
import { Waiters } from './waiters.js';

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

/** One of the queues that share a bound. */
export interface BacklogMember {
  readonly queuedBytes: number;
  /** Bytes that its consumer has taken since the beginning. */
  readonly takenBytes: number;
}

/** What bounds many queues together. */
export interface Backlog {
  /** Comes before the first bytes that wait in the queue. */
  join(member: BacklogMember): void;
  /** Nothing waits in it any more, or nobody will take it. */
  leave(member: BacklogMember): void;
  added(bytes: number): void;
  removed(bytes: number): void;
}

/** Counts the bytes on their way out and wakes the feeders when there is room again. */
export class CongestionMeter implements Drained {
  private queued = 0;
  private taken = 0;
  private full = false;
  private over = false;
  private readonly waiting = new Waiters();
  private readonly marks: CongestionMarks;
  private readonly backlog: Backlog | undefined;
  private joined = false;

  /** `backlog` bounds this queue together with others. */
  constructor(marks: CongestionMarks = defaultMarks, backlog?: Backlog) {
    this.marks = marks;
    this.backlog = backlog;
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
    this.join();
    this.queued += bytes;
    if (this.queued > this.marks.highBytes) this.full = true;
    if (this.joined) this.backlog?.added(bytes);
  }

  remove(bytes: number): void {
    this.queued -= bytes;
    this.taken += bytes;
    if (this.joined) this.backlog?.removed(bytes);
    if (this.queued === 0) this.leave();
    if (this.full && this.queued <= this.marks.lowBytes) this.relieve();
  }

  whenClear(resume: () => void): void {
    this.waiting.add(resume);
  }

  /** The stream ended: nothing holds anybody up any more. */
  clear(): void {
    this.over = true;
    this.leave();
    this.relieve();
  }

  private join(): void {
    if (this.joined || this.over || this.backlog === undefined) return;
    this.joined = true;
    this.backlog.join(this);
  }

  private leave(): void {
    if (!this.joined) return;
    this.joined = false;
    this.backlog?.leave(this);
  }

  private relieve(): void {
    this.full = false;
    this.waiting.wake();
  }
}
