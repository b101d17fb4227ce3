import { TunnelError } from './errors.js';

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

interface ScaledTimer {
  readonly dueMs: number;
  readonly fire: () => void;
  readonly background: boolean;
  handle: { unref?(): void } | undefined;
}

/** The machine's clock with a speed that can change. Timers that wait follow. */
export class ScaledClock implements Clock {
  private readonly host = globalThis as unknown as HostTimers;
  private readonly timers = new Set<ScaledTimer>();
  private factor: number;
  private fromMs: number;
  private realFromMs: number;

  /** Throws CONFIG_INVALID, as a later change does. */
  constructor(timeScale: number) {
    checkTimeScale(timeScale);
    this.factor = timeScale;
    this.realFromMs = this.host.performance.now();
    this.fromMs = this.realFromMs * timeScale;
  }

  /** How many ms pass in one real ms. */
  get timeScale(): number {
    return this.factor;
  }

  set timeScale(timeScale: number) {
    checkTimeScale(timeScale);
    this.fromMs = this.now();
    this.realFromMs = this.host.performance.now();
    this.factor = timeScale;
    for (const timer of this.timers) {
      this.host.clearTimeout(timer.handle);
      this.arm(timer);
    }
  }

  now(): number {
    return this.fromMs + (this.host.performance.now() - this.realFromMs) * this.factor;
  }

  after(delayMs: number, fire: () => void, background = false): Timer {
    const timer: ScaledTimer = { dueMs: this.now() + delayMs, fire, background, handle: undefined };
    this.timers.add(timer);
    this.arm(timer);
    return {
      cancel: () => {
        this.timers.delete(timer);
        this.host.clearTimeout(timer.handle);
      },
    };
  }

  private arm(timer: ScaledTimer): void {
    const realMs = Math.max(0, timer.dueMs - this.now()) / this.factor;
    const due = (): void => {
      this.timers.delete(timer);
      timer.fire();
    };
    timer.handle = this.host.setTimeout(due, Math.min(realMs, maxDelayMs));
    if (timer.background) timer.handle.unref?.();
  }
}

function checkTimeScale(timeScale: number): void {
  if (Number.isFinite(timeScale) && timeScale > 0) return;
  throw new TunnelError('CONFIG_INVALID', `timeScale must be a number above 0, not ${timeScale}`);
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
