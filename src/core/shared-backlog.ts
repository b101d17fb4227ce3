import type { Clock, Timer } from './clock.js';
import { type Backlog, type BacklogMember, type CongestionMarks, connectionMarks } from './congestion.js';
import type { Congestible } from './port.js';
import { Waiters } from './waiters.js';

/** A consumer that takes nothing for this long counts as resting, ms. */
export const restMs = 200;

interface Seen {
  takenBytes: number;
  atMs: number;
}

/**
 * Limits the bytes that wait in many queues together. Each queue may hold some MiB, so that one consumer that rests
 * does not stop the others. But a hundred queues that fill faster than they empty would hold a hundred times that. So
 * all queues whose consumers take bytes share one limit. Resting consumers do not count, because waiting for them would
 * not free any bytes.
 *
 * The limit is compared with a running count of bytes in and out. Only when the count is above the limit, resting
 * consumers are searched for, again and again until the count is below it. So it costs little while few bytes wait.
 */
export class SharedBacklog implements Backlog, Congestible {
  private readonly members = new Map<BacklogMember, Seen>();
  private readonly clock: Clock;
  private readonly marks: CongestionMarks;
  /** About how many bytes wait for consumers that do not rest. */
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
