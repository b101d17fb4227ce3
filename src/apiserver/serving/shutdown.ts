import type { Clock } from '../../core/clock.js';
import { pause } from '../../core/pause.js';

export interface ShutdownOptions {
  /** How long all is served as before while `/readyz` fails, ms: `--shutdown-delay-duration`. Default 0. */
  readonly delayMs?: number;
  /** How long requests under way may take afterwards, ms; watches end at once. Default 60 000, as `--request-timeout`. */
  readonly graceMs?: number;
}

/** How far a graceful shutdown has come. */
export class Lifecycle {
  /** Aborts when no connection is taken any more: watches end in order. */
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

  /** Whether `/readyz` fails for it. */
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

/** The steps of a graceful shutdown, whoever takes them. */
export interface ShutdownSteps {
  readonly clock: Clock;
  readonly lifecycle: Lifecycle;
  /** Takes no connection any more. Resolves when those that are there have ended in order. */
  readonly stopListening: () => Promise<void>;
  /** Requests under way that are worth waiting for. */
  readonly underWay: () => number;
}

const lookEveryMs = 5;
/** How long ends of connections may take that nothing runs on. */
const partingMs = 200;

/**
 * As kube-apiserver ends at SIGTERM: not ready, but serving, for the delay; then no new connections, watches end, requests
 * under way are waited for; streams of exec, attach, port-forward and logs are not.
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
