import type { Clock, Timer } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';

export interface RequestDeadlineOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Each may end the request: the caller's, and that of the owner of the client. */
  readonly signals: readonly (AbortSignal | undefined)[];
}

/** The time limit of a request and the signals that may end it, as one signal. Reasons are in Go's words. */
export class RequestDeadline {
  private readonly controller = new AbortController();
  private readonly clock: Clock;
  private readonly end: number;
  private readonly timer: Timer;
  private readonly signals: readonly AbortSignal[];

  constructor({ clock, timeoutMs, signals }: RequestDeadlineOptions) {
    this.clock = clock;
    this.end = clock.now() + timeoutMs;
    this.signals = signals.filter((signal) => signal !== undefined);
    this.timer = clock.after(timeoutMs, () => this.abort('context deadline exceeded'));
    for (const signal of this.signals) {
      if (signal.aborted) this.abort(reasonOf(signal));
      signal.addEventListener('abort', this.cancelled, { once: true });
    }
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get remainingMs(): number {
    return Math.max(0, this.end - this.clock.now());
  }

  /** Ends the time limit; from now on only the signals can end the request. */
  stopTimer(): void {
    this.timer.cancel();
  }

  close(): void {
    this.timer.cancel();
    for (const signal of this.signals) signal.removeEventListener('abort', this.cancelled);
  }

  private readonly cancelled = ({ target }: Event): void => this.abort(reasonOf(target as AbortSignal));

  private abort(text: string): void {
    this.timer.cancel();
    this.controller.abort(new TunnelError('API_UNREACHABLE', text));
  }
}

/** The reason that the signal was given, or Go's words. */
function reasonOf({ reason }: AbortSignal): string {
  return reason instanceof TunnelError ? reason.message : 'context canceled';
}
