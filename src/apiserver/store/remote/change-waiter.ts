import type { Clock } from '../../../core/clock.js';
import type { ObjectState } from '../object-state.js';

interface Waiter {
  readonly isMet: () => boolean;
  readonly finish: (met: boolean) => void;
}

/** Waits for a mirror to reach a state. */
export class ChangeWaiter {
  private readonly clock: Clock;
  private readonly waiters = new Set<Waiter>();
  private readonly unsubscribe: () => void;

  constructor(state: ObjectState, clock: Clock) {
    this.clock = clock;
    this.unsubscribe = state.subscribe(() => this.look());
  }

  /** Resolves with whether the condition was met in time. It is checked after each change, and on request. */
  until(isMet: () => boolean, timeoutMs: number): Promise<boolean> {
    if (isMet()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = this.clock.after(timeoutMs, () => waiter.finish(false));
      const waiter: Waiter = {
        isMet,
        finish: (met) => {
          timer.cancel();
          this.waiters.delete(waiter);
          resolve(met);
        },
      };
      this.waiters.add(waiter);
    });
  }

  look(): void {
    for (const waiter of [...this.waiters]) if (waiter.isMet()) waiter.finish(true);
  }

  close(): void {
    this.unsubscribe();
    for (const waiter of [...this.waiters]) waiter.finish(false);
  }
}
