import type { Clock, Timer } from './clock.js';

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

  constructor(options: StallGuardOptions) {
    this.options = options;
  }

  /** Begins to watch, unless it already does or nobody waits. */
  watch(): void {
    if (this.timer === undefined && this.options.waiting()) this.arm();
  }

  cancel(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  private arm(): void {
    const { clock, patienceMs, takenBytes } = this.options;
    const before = takenBytes();
    this.timer = clock.after(patienceMs, () => this.check(before));
  }

  private check(before: number): void {
    this.timer = undefined;
    const { waiting, takenBytes, stalled } = this.options;
    if (!waiting()) return;
    if (takenBytes() > before) this.arm();
    else stalled();
  }
}
