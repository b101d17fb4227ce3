import type { Clock } from '../core/clock.js';

/** Why a dial was stopped before it had a result. */
export type StopReason = 'timeout' | 'cancelled';

/** The timeout and the cancellation of one dial, together. `close` frees timer and listener. */
export interface Deadline {
  readonly stopped: StopReason | undefined;
  /** The time that is left, ms; never negative. */
  remainingMs(): number;
  /** Calls `listener` once when the dial must stop, at once if it must already. The returned function ends that. */
  onStop(listener: (reason: StopReason) => void): () => void;
  close(): void;
}

export function startDeadline(clock: Clock, timeoutMs: number, signal?: AbortSignal): Deadline {
  const end = clock.now() + timeoutMs;
  const listeners = new Set<(reason: StopReason) => void>();
  let stopped: StopReason | undefined = signal?.aborted === true ? 'cancelled' : undefined;
  const stop = (reason: StopReason): void => {
    if (stopped !== undefined) return;
    stopped = reason;
    for (const listener of [...listeners]) listener(reason);
  };
  const onAbort = (): void => stop('cancelled');
  const timer = clock.after(timeoutMs, () => stop('timeout'));
  signal?.addEventListener('abort', onAbort, { once: true });
  return {
    get stopped() {
      return stopped;
    },
    remainingMs: () => Math.max(0, end - clock.now()),
    onStop(listener) {
      if (stopped !== undefined) listener(stopped);
      else listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
      listeners.clear();
    },
  };
}
