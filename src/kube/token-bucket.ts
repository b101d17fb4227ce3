import type { Clock } from '../core/clock.js';

export interface RateLimit {
  /** Requests per second in the long run; negative for no limit. */
  readonly qps: number;
  /** Requests that may be sent at once after a pause. */
  readonly burst: number;
}

/** As in client-go, where 0 means these values. */
export const usualRateLimit: RateLimit = { qps: 5, burst: 10 };

/** Gives out turns at a rate. A turn that was taken cannot be given back. */
export class TokenBucket {
  private readonly limit: RateLimit;
  private readonly clock: Clock;
  private turns: number;
  private countedAt: number;

  constructor(limit: RateLimit, clock: Clock) {
    this.limit = limit;
    this.clock = clock;
    this.turns = limit.burst;
    this.countedAt = clock.now();
  }

  /** Takes the next turn: milliseconds until it comes, or undefined when it would come after `withinMs`. */
  take(withinMs: number): number | undefined {
    const { qps, burst } = this.limit;
    if (qps < 0) return 0;
    const now = this.clock.now();
    this.turns = Math.min(burst, this.turns + ((now - this.countedAt) / 1000) * qps);
    this.countedAt = now;
    const waitMs = this.turns >= 1 ? 0 : ((1 - this.turns) / qps) * 1000;
    if (waitMs > withinMs) return undefined;
    this.turns -= 1;
    return waitMs;
  }
}
