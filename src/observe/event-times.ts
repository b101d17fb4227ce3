import type { WallClock } from '../core/wall-clock.js';

/** How many jumps of the wall clock are remembered. */
const maxSteps = 100;
/** A smaller difference is not a jump, ms. */
const minStepMs = 100;

/** A part of a journal's time: from `t` on, the journal's time 0 was at `originMs`. */
interface Stretch {
  readonly t: number;
  readonly originMs: number;
}

/**
 * The wall time of a journal's events. A journal's time does not jump. When the wall clock jumps ahead, as after a
 * suspend, later events get later times and earlier events keep theirs. Times never go back: a clock that is set back
 * is not followed.
 */
export class EventTimes {
  private readonly wall: WallClock;
  private readonly stretches: Stretch[] = [];

  constructor(wall: WallClock) {
    this.wall = wall;
    this.note(0);
  }

  /** Call this with the journal's time now. Returns the same as `at`. */
  note(t: number): number {
    const originMs = this.wall() - t;
    const last = this.stretches.at(-1);
    if (last === undefined || originMs - last.originMs >= minStepMs) {
      this.stretches.push({ t, originMs });
      if (this.stretches.length > maxSteps) this.stretches.shift();
    }
    return this.at(t);
  }

  /** Epoch milliseconds at `t`. */
  at(t: number): number {
    const stretch = this.stretches.findLast((each) => each.t <= t) ?? this.stretches[0];
    return (stretch?.originMs ?? 0) + t;
  }
}
