import type { Clock, Timer } from '../core/clock.js';

/** Fires once after a time without a touch. A touch costs one clock reading, not a new timer. */
export class IdleTimer {
  private readonly clock: Clock;
  private readonly idleMs: number;
  private readonly fire: () => void;
  private touchedAt: number;
  private timer: Timer;

  constructor(clock: Clock, idleMs: number, fire: () => void) {
    this.clock = clock;
    this.idleMs = idleMs;
    this.fire = fire;
    this.touchedAt = clock.now();
    this.timer = this.arm(idleMs);
  }

  touch(): void {
    this.touchedAt = this.clock.now();
  }

  cancel(): void {
    this.timer.cancel();
  }

  private arm(delayMs: number): Timer {
    return this.clock.after(delayMs, () => this.expire(), true);
  }

  private expire(): void {
    const leftMs = this.touchedAt + this.idleMs - this.clock.now();
    // One millisecond of tolerance: host timers may fire a little early.
    if (leftMs <= 1) this.fire();
    else this.timer = this.arm(leftMs);
  }
}
