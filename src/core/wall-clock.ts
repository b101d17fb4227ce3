import type { Clock } from './clock.js';

/** Milliseconds since 1970, to be asked whenever they are needed. */
export type WallClock = () => number;

/** The two times of a host: `wallMs` is set and may step; `steadyMs` only runs on, and stands still in a suspend. */
export interface HostTime {
  wallMs(): number;
  steadyMs(): number;
}

export interface WallClockOptions {
  /** What it shows at first, in epoch milliseconds. Default: the host's time. */
  readonly startMs?: number;
  /** Default: this machine. */
  readonly host?: HostTime;
}

/** Less than this is no step of the host's clock but noise, ms. */
const minStepMs = 500;
/** Two readings of the host that lie further apart tell nothing of each other, ms. */
const maxApartMs = 10;

/**
 * Wall time as a lab sees it: it moves with `clock`, so that ages follow a scaled or stepped lab, and makes every step
 * that the host's wall clock makes against its steady one. So it is right after a suspend, and when the time is set.
 */
export function createWallClock(
  clock: Clock,
  { startMs, host = thisMachine }: WallClockOptions = {},
): WallClock {
  let offsetMs = (startMs ?? host.wallMs()) - clock.now();
  let leadMs = host.wallMs() - host.steadyMs();
  return () => {
    const steadyMs = host.steadyMs();
    const stepMs = host.wallMs() - steadyMs - leadMs;
    if (Math.abs(stepMs) >= minStepMs && host.steadyMs() - steadyMs <= maxApartMs) {
      offsetMs += stepMs;
      leadMs += stepMs;
    }
    return offsetMs + clock.now();
  };
}

const thisMachine: HostTime = {
  wallMs: () => Date.now(),
  steadyMs: () => (globalThis as unknown as { performance: { now(): number } }).performance.now(),
};
