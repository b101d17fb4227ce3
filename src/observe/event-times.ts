import type { WallClock } from '../core/wall-clock.js';

/** Steps of the wall clock that are remembered. */
const maxSteps = 100;
/** Less than this is no step, ms. */
const minStepMs = 100;

/** A stretch of a journal's time: from `t` on, its `t` 0 lay at `originMs`. */
interface Stretch {
  readonly t: number;
  readonly originMs: number;
}

/**
 * When the events of a journal happened by the wall clock. A journal counts time that nothing moves; when the wall clock
 * jumps ahead, as after a suspend, later events are later and earlier ones stay. Times never go back: a clock that is
 * set back is not followed.
 */
export class EventTimes {
  private readonly wall: WallClock;
  private readonly stretches: Stretch[] = [];

  constructor(wall: WallClock) {
    this.wall = wall;
    this.note(0);
  }

  /** It is `t` now. Returns what `at` says of it. */
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
