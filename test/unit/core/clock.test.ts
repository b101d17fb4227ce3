import { describe, expect, it } from 'vitest';
import { createRealClock, ManualClock, ScaledClock } from '../../../src/core/clock.js';
import { soon } from '../../support/waits.js';

describe('ManualClock', () => {
  it('fires due timers in order, each at its own time', () => {
    const clock = new ManualClock();
    const fired: string[] = [];
    const at = (name: string) => () => void fired.push(`${name}@${clock.now()}`);
    clock.after(20, at('b'));
    clock.after(10, at('a'));
    clock.after(20, at('c'));
    clock.after(21, at('d'));
    clock.advance(20);
    expect(fired).toEqual(['a@10', 'b@20', 'c@20']);
    expect([clock.now(), clock.pendingTimers]).toEqual([20, 1]);
  });

  it('fires timers that a timer sets, if they fall due in the same step', () => {
    const clock = new ManualClock();
    const fired: number[] = [];
    clock.after(10, () => clock.after(5, () => fired.push(clock.now())));
    clock.advance(14);
    expect(fired).toEqual([]);
    clock.advance(1);
    expect(fired).toEqual([15]);
  });

  it('does not fire cancelled timers, also when an earlier timer cancels them', () => {
    const clock = new ManualClock();
    let fired = 0;
    const later = clock.after(10, () => (fired += 1));
    clock.after(5, () => later.cancel());
    clock.advance(100);
    later.cancel();
    expect([fired, clock.pendingTimers]).toEqual([0, 0]);
  });
});

describe('the real clock', () => {
  it('passes faster by its scale', async () => {
    const clock = createRealClock(1000);
    const before = performance.now();
    const began = clock.now();
    await new Promise<void>((resolve) => void clock.after(10_000, resolve));
    expect(performance.now() - before).toBeLessThan(5000);
    expect(clock.now() - began).toBeGreaterThanOrEqual(9000);
  });

  it('does not fire a timer of more than 24.8 days at once', async () => {
    const clock = createRealClock();
    let fired = false;
    const timer = clock.after(2 ** 40, () => {
      fired = true;
    });
    await new Promise<void>((resolve) => void clock.after(20, resolve));
    timer.cancel();
    expect(fired).toBe(false);
  });
});

describe('a clock whose speed changes', () => {
  it('goes on from where it is, and takes its timers with it', async () => {
    const clock = new ScaledClock(1);
    const before = clock.now();
    const fired: number[] = [];
    const hour = 3_600_000;
    const both = soon<void>((resolve) => {
      clock.after(hour, () => fired.push(1));
      clock.after(2 * hour, () => {
        fired.push(2);
        resolve();
      });
    }, 'two timers');
    const never = clock.after(hour, () => fired.push(3));
    never.cancel();
    clock.timeScale = 100_000_000;
    await both;
    expect(fired).toEqual([1, 2]);
    clock.timeScale = 1;
    const later = clock.now();
    expect(later - before).toBeGreaterThanOrEqual(2 * hour);
    expect(clock.now()).toBeGreaterThanOrEqual(later);
    expect(clock.timeScale).toBe(1);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses %s', (timeScale) => {
    const wrong = expect.objectContaining({ code: 'CONFIG_INVALID' });
    expect(() => new ScaledClock(timeScale)).toThrow(wrong);
    const clock = new ScaledClock(1);
    expect(() => Object.assign(clock, { timeScale })).toThrow(wrong);
  });
});
