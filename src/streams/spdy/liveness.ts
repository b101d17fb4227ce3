import type { Clock, Timer } from '../../core/clock.js';
import { IdleTimer } from '../idle-timer.js';

export interface LivenessOptions {
  readonly clock: Clock;
  readonly pingIntervalMs?: number;
  readonly idleTimeoutMs?: number;
  readonly ping: () => void;
  readonly expire: (idleTimeoutMs: number) => void;
}

/** The timers of a connection: PINGs at an interval, and the end of an idle connection. */
export class Liveness {
  private readonly options: LivenessOptions;
  private readonly idle: IdleTimer | undefined;
  private pingTimer: Timer | undefined;

  constructor(options: LivenessOptions) {
    this.options = options;
    const { clock, idleTimeoutMs, expire } = options;
    if (idleTimeoutMs !== undefined) {
      this.idle = new IdleTimer(clock, idleTimeoutMs, () => expire(idleTimeoutMs));
    }
    this.schedulePing();
  }

  /** Call this for each frame that is received or sent. */
  touch(): void {
    this.idle?.touch();
  }

  stop(): void {
    this.idle?.cancel();
    this.pingTimer?.cancel();
  }

  private schedulePing(): void {
    const { clock, pingIntervalMs, ping } = this.options;
    if (pingIntervalMs === undefined) return;
    this.pingTimer = clock.after(pingIntervalMs, () => {
      ping();
      this.schedulePing();
    });
  }
}
