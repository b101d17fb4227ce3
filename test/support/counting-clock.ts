import { type Clock, createRealClock, type Timer } from '../../src/core/clock.js';

/** The real clock, with a count of what is still to fire. */
export class CountingClock implements Clock {
  private readonly real: Clock;
  private readonly pending = new Set<object>();

  constructor(timeScale = 1) {
    this.real = createRealClock(timeScale);
  }

  get pendingTimers(): number {
    return this.pending.size;
  }

  now(): number {
    return this.real.now();
  }

  after(delayMs: number, fire: () => void, background?: boolean): Timer {
    const key = {};
    this.pending.add(key);
    const fired = (): void => {
      this.pending.delete(key);
      fire();
    };
    const timer = this.real.after(delayMs, fired, background);
    return {
      cancel: () => {
        this.pending.delete(key);
        timer.cancel();
      },
    };
  }
}
