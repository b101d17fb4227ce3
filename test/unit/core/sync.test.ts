import { describe, expect, it } from 'vitest';
import { SyncSchedule, wantedServers } from '../../../src/core/agent/sync.js';
import type { Random } from '../../../src/core/random.js';

const fixed = (value: number): Random => ({ next: () => value, below: () => 0, int63: () => 1n });
const intervals = { intervalMs: 1000, capMs: 10_000 };

describe('SyncSchedule', () => {
  it('grows by half after each failure up to the cap', () => {
    const schedule = new SyncSchedule(intervals, fixed(0));
    const delays = Array.from({ length: 8 }, () => Math.round(schedule.afterFailure()));
    expect(delays).toEqual([1000, 1500, 2250, 3375, 5063, 7594, 10_000, 10_000]);
  });

  it('starts again after a success', () => {
    const schedule = new SyncSchedule(intervals, fixed(0));
    schedule.afterFailure();
    schedule.afterFailure();
    expect(schedule.afterSuccess()).toBe(1000);
    expect(schedule.afterFailure()).toBe(1000);
  });

  it('adds up to a tenth', () => {
    const schedule = new SyncSchedule(intervals, fixed(0.999));
    expect(schedule.afterSuccess()).toBeCloseTo(1099.9);
    expect(schedule.afterFailure()).toBeCloseTo(1099.9);
  });

  it('waits up to a tenth of the interval after a loss, which is no failure', () => {
    const schedule = new SyncSchedule(intervals, fixed(0.5));
    expect(schedule.afterLoss()).toBe(50);
    expect(schedule.afterFailure()).toBe(1050);
  });
});

describe('wantedServers', () => {
  it.each([
    [undefined, 1],
    [0, 1],
    [-3, 1],
    [3, 3],
  ])('is for an announcement of %s: %s', (announced, wanted) => {
    expect(wantedServers(announced)).toBe(wanted);
  });
});
