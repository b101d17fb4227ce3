/** A pending timer. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/** The only source of time for the program, so that a lab can run in scaled or stepped time. Durations are ms. */
export interface Clock {
  /** Milliseconds since an arbitrary origin; never goes back. */
  now(): number;
  /** Runs `fire` once after `delayMs`. The timer keeps the process alive unless `background` is true. */
  after(delayMs: number, fire: () => void, background?: boolean): Timer;
}

/** The timers of Node and of browsers, declared here because `core` imports no module. */
interface HostTimers {
  setTimeout(fire: () => void, delayMs: number): { unref?(): void };
  clearTimeout(handle: unknown): void;
  performance: { now(): number };
}

/** The longest delay of a host timer, ms (24.8 days). A longer one would fire at once. */
const maxDelayMs = 2 ** 31 - 1;

/** The machine's clock. `timeScale` 60 makes a minute of the lab pass in one second. */
export function createRealClock(timeScale = 1): Clock {
  const host = globalThis as unknown as HostTimers;
  return {
    now: () => host.performance.now() * timeScale,
    after(delayMs, fire, background = false) {
      const handle = host.setTimeout(fire, Math.min(delayMs / timeScale, maxDelayMs));
      if (background) handle.unref?.();
      return { cancel: () => host.clearTimeout(handle) };
    },
  };
}

/** A clock that moves only by `advance`: for tests, replay and stepping. */
export class ManualClock implements Clock {
  private current = 0;
  private order = 0;
  private readonly pending = new Map<number, { at: number; fire: () => void }>();

  now(): number {
    return this.current;
  }

  after(delayMs: number, fire: () => void): Timer {
    const id = this.order++;
    this.pending.set(id, { at: this.current + Math.max(0, delayMs), fire });
    return { cancel: () => void this.pending.delete(id) };
  }

  get pendingTimers(): number {
    return this.pending.size;
  }

  /** Moves time forward, firing every timer that falls due, oldest first. */
  advance(durationMs: number): void {
    const end = this.current + durationMs;
    for (;;) {
      const next = this.earliest(end);
      if (next === undefined) break;
      this.pending.delete(next.id);
      this.current = next.at;
      next.fire();
    }
    this.current = end;
  }

  private earliest(end: number): { id: number; at: number; fire: () => void } | undefined {
    let best: { id: number; at: number; fire: () => void } | undefined;
    for (const [id, timer] of this.pending) {
      if (timer.at > end) continue;
      if (best === undefined || timer.at < best.at) best = { id, ...timer };
    }
    return best;
  }
}
