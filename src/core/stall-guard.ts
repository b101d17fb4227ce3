import type { Clock, Timer } from './clock.js';

/**
 * How long a frontend or an endpoint may take nothing from its queue, ms. Our streams report progress in steps of up to
 * 128 KiB, so that a consumer which takes 5 KB/s is never cut.
 */
export const stallPatienceMs = 30_000;

/**
 * How many checks without progress make a stall. More than one, so that the peer is not blamed when this process itself
 * was suspended.
 */
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

/**
 * Checks whether a consumer still takes bytes from its queue. A consumer that takes a little in every interval may be
 * slow; one that takes nothing for a whole interval is reported.
 */
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
