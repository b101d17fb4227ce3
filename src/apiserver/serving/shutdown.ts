import type { Clock } from '../../core/clock.js';
import { pause } from '../../core/pause.js';

/** Options of a graceful shutdown of the API façade. */
export interface ShutdownOptions {
  /** How long everything is served as before while `/readyz` fails, ms: `--shutdown-delay-duration`. Default 0. */
  readonly delayMs?: number;
  /** How long running requests may take after that, ms; watches end at once. Default 60 000, as `--request-timeout`. */
  readonly graceMs?: number;
}

export class Lifecycle {
  /** Aborts when no new connection is accepted any more: watches end normally. */
  readonly draining: AbortSignal;
  /** Aborts when the server closes for good. */
  readonly closed: AbortSignal;
  private readonly drain = new AbortController();
  private readonly end = new AbortController();
  private leaving = false;

  constructor() {
    this.draining = this.drain.signal;
    this.closed = this.end.signal;
  }

  /** Whether `/readyz` fails because of the shutdown. */
  get isLeaving(): boolean {
    return this.leaving;
  }

  leave(): void {
    this.leaving = true;
  }

  close(): void {
    this.end.abort();
  }

  endWatches(): void {
    this.drain.abort();
  }
}

export interface ShutdownSteps {
  readonly clock: Clock;
  readonly lifecycle: Lifecycle;
  /** Stops accepting connections. Resolves when the existing ones have ended normally. */
  readonly stopListening: () => Promise<void>;
  readonly underWay: () => number;
}

const lookEveryMs = 5;
/** How long idle connections may take to close. */
const partingMs = 200;

/**
 * Ends as kube-apiserver does at SIGTERM: not ready, but serving, for the delay; then it accepts no connections,
 * watches end, and running requests are waited for, except streams of exec, attach, port-forward and logs.
 */
export async function shutDown(steps: ShutdownSteps, options: ShutdownOptions): Promise<void> {
  const { clock, lifecycle } = steps;
  const { delayMs = 0, graceMs = 60_000 } = options;
  lifecycle.leave();
  await pause(clock, delayMs);
  const parted = steps.stopListening();
  lifecycle.endWatches();
  const deadline = clock.now() + graceMs;
  while (steps.underWay() > 0 && clock.now() < deadline) await pause(clock, lookEveryMs);
  await Promise.race([parted, pause(clock, partingMs)]);
}
