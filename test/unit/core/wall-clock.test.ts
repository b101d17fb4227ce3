import { describe, expect, it } from 'vitest';
import { createRealClock, ManualClock } from '../../../src/core/clock.js';
import { createWallClock, type HostTime } from '../../../src/core/wall-clock.js';

const hour = 3_600_000;

class FakeHost implements HostTime {
  private wall = Date.UTC(2026, 0, 1);
  private steady = 5_000;
  /** What a reading of the steady time takes. */
  readingMs = 0;

  run(ms: number): void {
    this.wall += ms;
    this.steady += ms;
  }

  /** A suspend, or a clock that is set. */
  step(ms: number): void {
    this.wall += ms;
  }

  wallMs(): number {
    return this.wall;
  }

  steadyMs(): number {
    this.run(this.readingMs);
    return this.steady;
  }
}

describe('the wall clock', () => {
  it('follows the clock of the lab, not the time that passes at the host', () => {
    const [clock, host] = [new ManualClock(), new FakeHost()];
    const now = createWallClock(clock, { startMs: 1000, host });
    host.run(hour);
    expect(now()).toBe(1000);
    clock.advance(60_000);
    expect(now()).toBe(61_000);
  });

  it.each([
    ['a suspend of eight hours', 8 * hour],
    ['a clock that is set back', -2 * hour],
    ['a step of a second', 1000],
  ])('makes each step of the host: %s', (_what, stepMs) => {
    const [clock, host] = [new ManualClock(), new FakeHost()];
    const now = createWallClock(clock, { startMs: 1000, host });
    clock.advance(500);
    host.step(stepMs);
    expect(now()).toBe(1500 + stepMs);
    host.step(stepMs);
    clock.advance(500);
    expect(now()).toBe(2000 + 2 * stepMs);
    expect(now()).toBe(2000 + 2 * stepMs);
  });

  it('ignores noise, but follows many small steps in one direction', () => {
    const host = new FakeHost();
    const now = createWallClock(new ManualClock(), { startMs: 0, host });
    host.step(3);
    expect(now()).toBe(0);
    for (let tenths = 0; tenths < 10; tenths++) host.step(100);
    expect(now()).toBe(1003);
  });

  it('ignores readings between which the process was paused', () => {
    const host = new FakeHost();
    const now = createWallClock(new ManualClock(), { startMs: 0, host });
    host.readingMs = 2000;
    expect(now()).toBe(0);
    host.readingMs = 0;
    expect(now()).toBe(0);
  });

  it('shows the time of this machine', () => {
    const now = createWallClock(createRealClock());
    expect(Math.abs(now() - Date.now())).toBeLessThan(1000);
  });
});
