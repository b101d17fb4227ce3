import type { Random } from '../random.js';

/** Konnectivity's `--sync-interval` and `--sync-interval-cap`, milliseconds. */
export interface SyncIntervals {
  readonly intervalMs: number;
  readonly capMs: number;
}

const growth = 1.5;
const jitter = 0.1;

/**
 * After each failure the wait grows by half, up to the cap (1, 1.5, 2.25 … 10 s). Each wait is up to 10 % longer, so that
 * the agents of a server that was restarted do not all come at the same moment.
 */
export class SyncSchedule {
  private failures = 0;
  private readonly intervals: SyncIntervals;
  private readonly random: Random;

  constructor(intervals: SyncIntervals, random: Random) {
    this.intervals = intervals;
    this.random = random;
  }

  afterSuccess(): number {
    this.failures = 0;
    return this.withJitter(this.intervals.intervalMs);
  }

  /** The wait after a server was lost: short, but not the same for all its agents. */
  afterLoss(): number {
    return this.intervals.intervalMs * jitter * this.random.next();
  }

  afterFailure(): number {
    const delayMs = Math.min(this.intervals.intervalMs * growth ** this.failures, this.intervals.capMs);
    this.failures += 1;
    return this.withJitter(delayMs);
  }

  private withJitter(delayMs: number): number {
    return delayMs * (1 + jitter * this.random.next());
  }
}

/** The number of proxy-servers to connect to: the latest count announced, at least 1. */
export function wantedServers(announced: number | undefined): number {
  return Math.max(1, announced ?? 1);
}
