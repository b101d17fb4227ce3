import type { Clock } from './clock.js';

/** How many payload bytes of a connection may be under way in one direction without credit at first (R28). */
export const windowBytes = 1024 * 1024;
/** The largest window. It is enough for 1 Gbit/s over 130 ms. */
export const maxWindowBytes = 16 * 1024 * 1024;
/** How far the windows of one owner may be above their first size, together. */
const budgetBytes = 64 * 1024 * 1024;
/** How much more than half a window must come in one round trip for the window to grow. See `ReceiveWindow`. */
const growFactor = 1.2;

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
 * What one end of a connection lets the other end send. It doubles while it limits the connection: on a long way, not on
 * a short one, where more bytes under way only delay later ones.
 *
 * The round trip is the shortest time from a credit to the first byte that could not have been sent without it. Half a
 * window comes before that byte. Behind a slow link it comes at the speed of the link, from a queue: the time is long,
 * but half a window is all that comes in it. On a long way the sender stands still for a part of the time, so that on
 * average more comes in as long a time. Only then the window grows.
 */
export class ReceiveWindow {
  private readonly clock: Clock;
  private readonly budget: WindowBudget;
  private sizeBytes = windowBytes;
  /** All bytes that came in, and those of them for which credit was given. */
  private came = 0;
  private credited = 0;
  /** What the reader has taken since the last credit. */
  private taken = 0;
  private probe: { readonly beyond: number; readonly sentMs: number } | undefined;
  private roundTripMs = Number.POSITIVE_INFINITY;
  /** How many bytes came together with that first byte. */
  private excess = 0;
  private counted = 0;
  private countedFromMs: number;

  constructor(clock: Clock, budget: WindowBudget) {
    this.clock = clock;
    this.budget = budget;
    this.countedFromMs = clock.now();
  }

  /** Counts bytes that came in. False when they are more than the window allows. */
  received(bytes: number): boolean {
    this.came += bytes;
    const { probe } = this;
    if (probe !== undefined && this.came > probe.beyond) this.measure(probe);
    return this.came <= this.limit;
  }

  private measure({ beyond, sentMs }: { readonly beyond: number; readonly sentMs: number }): void {
    const tookMs = this.clock.now() - sentMs;
    this.probe = undefined;
    if (tookMs >= this.roundTripMs) return;
    this.roundTripMs = tookMs;
    this.excess = this.came - beyond;
  }

  /** The reader has taken bytes. Returns the credit to give now: half a window or more, or 0. */
  took(bytes: number): number {
    this.taken += bytes;
    const { taken, limit } = this;
    if (taken < this.sizeBytes / 2) return 0;
    const now = this.clock.now();
    this.taken = 0;
    this.credited += taken;
    this.probe ??= { beyond: limit, sentMs: now };
    return taken + this.grown(now);
  }

  /** The connection is over. */
  close(): void {
    this.budget.give(this.sizeBytes - windowBytes);
    this.sizeBytes = windowBytes;
  }

  private get limit(): number {
    return this.credited + this.sizeBytes;
  }

  /** By how much the window is larger now. It looks once in a window. */
  private grown(now: number): number {
    const { sizeBytes, credited, roundTripMs } = this;
    const bytes = credited - this.counted;
    if (bytes < sizeBytes) return 0;
    const perMs = bytes / Math.max(now - this.countedFromMs, 1e-3);
    this.counted = credited;
    this.countedFromMs = now;
    if (sizeBytes >= maxWindowBytes || roundTripMs === Number.POSITIVE_INFINITY) return 0;
    const limiting = perMs * roundTripMs > growFactor * (sizeBytes / 2 + this.excess);
    if (!limiting || !this.budget.take(sizeBytes)) return 0;
    this.sizeBytes *= 2;
    return sizeBytes;
  }
}
