import type { Clock, Timer } from './clock.js';

/**
 * How long a frontend or an endpoint may take nothing of what is queued for it, ms. Our streams report what was taken
 * in steps of up to 128 KiB, so whoever takes 5 KB/s is safe.
 */
export const stallPatienceMs = 30_000;

/** Looks without progress that make a stall: more than one, so that a process that slept is not blamed on its peer. */
const looks = 2;

export interface StallGuardOptions {
  readonly clock: Clock;
  /** How long nothing may be taken before it counts as a stall, ms. */
  readonly patienceMs: number;
  /** Bytes taken so far; any growth is progress. */
  readonly takenBytes: () => number;
  /** True while somebody waits for progress; the guard sleeps otherwise. */
  readonly waiting: () => boolean;
  /** Called once for a stall that lasted. */
  readonly stalled: () => void;
}

/**
 * Sees whether a consumer still takes what waits for it. One that takes a little in every interval may be as slow as it
 * likes; one that takes nothing for a whole interval is reported.
 */
export class StallGuard {
  private readonly options: StallGuardOptions;
  private timer: Timer | undefined;
  private inVain = 0;

  constructor(options: StallGuardOptions) {
    this.options = options;
  }

  /** Begins to watch, unless it already does or nobody waits. */
  watch(): void {
    if (this.timer !== undefined || !this.options.waiting()) return;
    this.inVain = 0;
    this.arm();
  }

  cancel(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  private arm(): void {
    const { clock, patienceMs, takenBytes } = this.options;
    const before = takenBytes();
    this.timer = clock.after(patienceMs / looks, () => this.check(before));
  }

  private check(before: number): void {
    this.timer = undefined;
    const { waiting, takenBytes, stalled } = this.options;
    if (!waiting()) return;
    this.inVain = takenBytes() > before ? 0 : this.inVain + 1;
    if (this.inVain < looks) this.arm();
    else stalled();
  }
}
