import type { Clock } from '../core/clock.js';

/** Waits; rejects with the signal's reason as soon as it is aborted. */
export function pause(clock: Clock, durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const giveUp = (): void => {
      timer.cancel();
      reject(signal.reason);
    };
    const timer = clock.after(durationMs, () => {
      signal.removeEventListener('abort', giveUp);
      resolve();
    });
    signal.addEventListener('abort', giveUp, { once: true });
  });
}
