import type { Clock, Timer } from './clock.js';

/** How long a consumer may take nothing, ms. Streams report each 128 KiB or less, so 5 KB/s is never cut. */
export const stallPatienceMs = 30_000;
/** How many checks without progress make a stall: one could be the suspension of this process itself. */
const looks = 2;

export interface StallGuardOptions {
  readonly clock: Clock;
  /** How long the consumer may take nothing before it counts as stalled, ms. */
  readonly patienceMs: number;
  /** All bytes taken so far. Any growth is progress. */
  readonly takenBytes: () => number;
  /** True while bytes wait for the consumer. The guard does not check otherwise. */
  readonly waiting: () => boolean;
  /** Called once when the consumer has stalled. */
  readonly stalled: () => void;
}

/** Reports a consumer that takes nothing of its queue for a whole interval. One that takes a little may be slow. */
export class StallGuard {
  private readonly options: StallGuardOptions;
  private timer: Timer | undefined;
  private inVain = 0;

  constructor(options: StallGuardOptions) {
    this.options = options;
  }

  /** Starts the checks, unless they run already or no bytes wait. */
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
