import type { Clock } from '../core/clock.js';

/** Epoch milliseconds as the lab sees them: they move with `clock`, so that ages follow a scaled or stepped lab. */
export type WallClock = () => number;

export function createWallClock(clock: Clock): WallClock {
  const offsetMs = Date.now() - clock.now();
  return () => offsetMs + clock.now();
}

/** RFC 3339 with whole seconds, the form of every `metav1.Time`. */
export function formatTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
