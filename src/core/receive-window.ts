import type { Clock } from './clock.js';

/** How many payload bytes of a connection may be under way in one direction without credit at first (R28). */
export const windowBytes = 1024 * 1024;
/** The largest window. It is enough for 1 Gbit/s over 130 ms. */
export const maxWindowBytes = 16 * 1024 * 1024;
/** How far the windows of one owner may be above their first size, together. */
const budgetBytes = 64 * 1024 * 1024;
/** Credit is given for this share of a window at a time. What does not fill a share waits for later bytes. */
const creditShare = 0.25;
/** Above this share of a window in one round trip, the window limits the connection. */
const busyShare = 0.5;

/** What the windows of one owner, as of one agent's stream, may have above their first size. */
export class WindowBudget {
  private leftBytes = budgetBytes;

  /** False when there is not so much left. */
  take(bytes: number): boolean {
    if (bytes > this.leftBytes) return false;
    this.leftBytes -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.leftBytes += bytes;
  }
}

/**
 * What one end of a connection lets the other end send. It doubles while it limits the connection: on a long way, but not
 * on a short one, where more bytes under way only delay later ones. The first answer of the other end shows how long the
 * way is: later ones may have waited in queues.
 */
export class ReceiveWindow {
  private readonly clock: Clock;
  private readonly budget: WindowBudget;
  private sizeBytes = windowBytes;
  /** Bytes that came in without credit so far, and those of them that the reader has taken. */
  private came = 0;
  private taken = 0;
  private readonly askedMs: number;
  private roundTripMs: number | undefined;
  /** Bytes for which credit was given since then. */
  private credited = 0;
  private creditedFromMs: number;

  /** Create it when the other end is sent what it will answer. */
  constructor(clock: Clock, budget: WindowBudget) {
    this.clock = clock;
    this.budget = budget;
    this.askedMs = clock.now();
    this.creditedFromMs = this.askedMs;
  }

  /** The other end has answered. Only the first answer counts. */
  answered(): void {
    this.roundTripMs ??= this.clock.now() - this.askedMs;
  }

  /** Counts bytes that came in. False when they are more than the window allows. */
  received(bytes: number): boolean {
    this.came += bytes;
    return this.came <= this.sizeBytes;
  }

  /** The reader has taken bytes. Returns the credit to give now: a quarter of the window or more, or 0. */
  took(bytes: number): number {
    this.taken += bytes;
    const { taken } = this;
    if (taken < this.sizeBytes * creditShare) return 0;
    this.taken = 0;
    this.came -= taken;
    this.credited += taken;
    return taken + this.grown();
  }

  /** The connection is over. */
  close(): void {
    this.budget.give(this.sizeBytes - windowBytes);
    this.sizeBytes = windowBytes;
  }

  /** By how much the window is larger now. It looks once in a window. */
  private grown(): number {
    const { sizeBytes, credited, roundTripMs = 0 } = this;
    if (credited < sizeBytes) return 0;
    const now = this.clock.now();
    const perMs = credited / Math.max(now - this.creditedFromMs, 1e-3);
    this.credited = 0;
    this.creditedFromMs = now;
    if (sizeBytes >= maxWindowBytes || perMs * roundTripMs < sizeBytes * busyShare) return 0;
    if (!this.budget.take(sizeBytes)) return 0;
    this.sizeBytes *= 2;
    return sizeBytes;
  }
}
