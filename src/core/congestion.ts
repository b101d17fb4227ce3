import type { Drained } from './port.js';
import { Waiters } from './waiters.js';

/** Byte marks of a queue. Above `highBytes` it is congested, until it has fallen to `lowBytes`. */
export interface CongestionMarks {
  readonly highBytes: number;
  readonly lowBytes: number;
}

/** Large enough to keep a loopback stream busy, small enough that a keystroke does not wait long behind other data. */
export const defaultMarks: CongestionMarks = { highBytes: 256 * 1024, lowBytes: 64 * 1024 };

/**
 * For the queue of one connection on a shared stream. Pausing the stream for one slow reader stops all other
 * connections; and a reader that waits for its own writes would stop them for good. So one connection may queue this
 * much before the stream is paused: more than the windows of an HTTP/2 session inside it can hold.
 */
export const connectionMarks: CongestionMarks = { highBytes: 4 * 1024 * 1024, lowBytes: 1024 * 1024 };

/** One of the queues that share a bound. */
export interface BacklogMember {
  readonly queuedBytes: number;
  /** All bytes that its consumer has taken so far. */
  readonly takenBytes: number;
}

/** Limits many queues together. */
export interface Backlog {
  /** Called before bytes wait in the queue. */
  join(member: BacklogMember): void;
  /** Called when its bytes were taken or dropped. */
  leave(member: BacklogMember): void;
  added(bytes: number): void;
  removed(bytes: number): void;
}

/** Counts the bytes that wait to be sent, and wakes the feeders when there is room again. */
export class CongestionMeter implements Drained {
  private queued = 0;
  private taken = 0;
  private full = false;
  private over = false;
  private readonly waiting = new Waiters();
  private readonly marks: CongestionMarks;
  private backlog: Backlog | undefined;
  private joined = false;

  /** `backlog` limits this queue together with others. */
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

  /** From now on only the queue's own marks count. */
  leaveBacklog(): void {
    this.leave();
    this.backlog = undefined;
  }

  /** The stream ended: wakes all feeders. */
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
