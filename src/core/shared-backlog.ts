import type { Clock, Timer } from './clock.js';
import { type Backlog, type BacklogMember, type CongestionMarks, connectionMarks } from './congestion.js';
import type { Congestible } from './port.js';
import { Waiters } from './waiters.js';

/** A consumer that takes nothing for this long rests, ms. */
export const restMs = 200;

interface Seen {
  takenBytes: number;
  atMs: number;
}

/**
 * Bounds what waits in many queues together. Each of them may hold some MiB, so that one that rests stops nobody; but a
 * hundred that are all fed faster than they are emptied would hold a hundred times that. So all that move share a bound,
 * and those that rest do not count: waiting for them would be waiting for nothing.
 *
 * The count is of what came and went; who rests is looked at when it is above the bound, and then again and again until
 * it is not. So it costs little while little waits.
 */
export class SharedBacklog implements Backlog, Congestible {
  private readonly members = new Map<BacklogMember, Seen>();
  private readonly clock: Clock;
  private readonly marks: CongestionMarks;
  /** Of the members that move, about. */
  private queued = 0;
  private full = false;
  private look: Timer | undefined;
  private readonly waiting = new Waiters();

  constructor(clock: Clock, marks: CongestionMarks = connectionMarks) {
    this.clock = clock;
    this.marks = marks;
  }

  get congested(): boolean {
    return this.full;
  }

  whenClear(resume: () => void): void {
    this.waiting.add(resume);
  }

  join(member: BacklogMember): void {
    this.members.set(member, { takenBytes: member.takenBytes, atMs: this.clock.now() });
  }

  leave(member: BacklogMember): void {
    if (this.members.delete(member) && member.queuedBytes > 0) this.removed(member.queuedBytes);
  }

  added(bytes: number): void {
    this.queued += bytes;
    if (this.full || this.queued <= this.marks.highBytes) return;
    this.recount();
    if (this.queued <= this.marks.highBytes) return;
    this.full = true;
    this.lookAgain();
  }

  removed(bytes: number): void {
    this.queued = Math.max(0, this.queued - bytes);
    if (this.full && this.queued <= this.marks.lowBytes) this.clear();
  }

  private lookAgain(): void {
    this.look = this.clock.after(restMs, () => {
      this.recount();
      if (this.queued <= this.marks.lowBytes) this.clear();
      else this.lookAgain();
    });
  }

  private recount(): void {
    const now = this.clock.now();
    this.queued = 0;
    for (const [{ queuedBytes, takenBytes }, seen] of this.members) {
      if (takenBytes > seen.takenBytes) {
        seen.takenBytes = takenBytes;
        seen.atMs = now;
      }
      if (now - seen.atMs < restMs) this.queued += queuedBytes;
    }
  }

  private clear(): void {
    this.full = false;
    this.look?.cancel();
    this.waiting.wake();
  }
}
