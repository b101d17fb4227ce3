import type { Clock } from './clock.js';

/** Returns the time in milliseconds since 1970. */
export type WallClock = () => number;

/** A host's clocks: `wallMs` can be set and may jump; `steadyMs` never jumps, and stops while it is suspended. */
export interface HostTime {
  wallMs(): number;
  steadyMs(): number;
}

export interface WallClockOptions {
  /** The time that it shows first, epoch milliseconds. Default: the host's time. */
  readonly startMs?: number;
  /** The host's clocks. Default: those of this machine. */
  readonly host?: HostTime;
}

/** A smaller difference is not a jump of the host's clock, ms. */
const minStepMs = 500;
/** Two readings of the host's clocks that are further apart than this cannot be compared, ms. */
const maxApartMs = 10;

/**
 * The wall time of a lab. It runs with `clock`, so that ages follow a scaled or stepped lab. It also follows each jump
 * of the host's wall clock against its steady clock, so that it is right after a suspend and after the time was set.
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
