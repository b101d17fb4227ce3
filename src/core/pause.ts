import type { Clock } from './clock.js';

/** Waits; no longer than until `signal` is aborted. */
export function pause(clock: Clock, durationMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const done = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(durationMs, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}
