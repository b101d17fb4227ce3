import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import { CongestionMeter } from '../../../src/core/congestion.js';
import { restMs, SharedBacklog } from '../../../src/core/shared-backlog.js';

const own = { highBytes: 1000, lowBytes: 200 };
const marks = { highBytes: 100, lowBytes: 20 };

function setUp(count: number) {
  const clock = new ManualClock();
  const backlog = new SharedBacklog(clock, marks);
  const meters = Array.from({ length: count }, () => new CongestionMeter(own, backlog));
  let woken = 0;
  const wait = (): void => backlog.whenClear(() => (woken += 1));
  return {
    clock,
    backlog,
    meters: meters as [CongestionMeter, ...CongestionMeter[]],
    wait,
    woken: () => woken,
  };
}

describe('SharedBacklog', () => {
  it('R22: is full when the bytes in all queues are above its high mark, until they fall to its low mark', () => {
    const { backlog, meters, clock, wait, woken } = setUp(11);
    for (const meter of meters.slice(1)) meter.add(10);
    expect(backlog.congested).toBe(false);
    meters[0].add(1);
    expect(backlog.congested).toBe(true);
    wait();
    for (const meter of meters.slice(3)) meter.remove(10);
    expect([backlog.congested, woken()]).toEqual([true, 0]);
    meters[0].remove(1);
    expect([backlog.congested, woken()]).toEqual([false, 1]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('R22: forgets a queue that leaves it, and what that queue gets later', () => {
    const { backlog, meters, clock, wait, woken } = setUp(2);
    const [leaver, other] = meters;
    leaver.add(90);
    other?.add(20);
    wait();
    leaver.leaveBacklog();
    expect([backlog.congested, woken()]).toEqual([false, 1]);
    leaver.add(500);
    leaver.remove(590);
    other?.add(80);
    expect(backlog.congested).toBe(false);
    other?.add(1);
    expect(backlog.congested).toBe(true);
    other?.remove(101);
    expect(clock.pendingTimers).toBe(0);
  });

  it('R22: does not wait for consumers that take nothing', () => {
    const { backlog, meters, clock, wait, woken } = setUp(2);
    const [resting, moving] = meters;
    resting.add(90);
    moving?.add(20);
    expect(backlog.congested).toBe(true);
    wait();
    clock.advance(restMs / 2);
    moving?.remove(10);
    expect(backlog.congested).toBe(true);
    clock.advance(restMs / 2);
    expect([backlog.congested, woken()]).toEqual([false, 1]);
    // Nor does it count: the others have the bound for themselves.
    moving?.add(90);
    expect(backlog.congested).toBe(false);
    moving?.add(1);
    expect(backlog.congested).toBe(true);
  });

  it('R22: counts a resting consumer again as soon as it takes bytes', () => {
    const { backlog, meters, clock } = setUp(2);
    const [rested, moving] = meters;
    rested.add(101);
    clock.advance(restMs);
    expect(backlog.congested).toBe(false);
    rested.remove(1);
    moving?.add(50);
    moving?.remove(50);
    moving?.add(101);
    expect(backlog.congested).toBe(true);
    moving?.remove(101);
    expect(backlog.congested).toBe(true);
  });

  it('forgets the bytes of an ended queue', () => {
    const { backlog, meters, clock, wait, woken } = setUp(2);
    const [ended, other] = meters;
    ended.add(100);
    other?.add(10);
    wait();
    ended.clear();
    expect([backlog.congested, woken()]).toEqual([false, 1]);
    ended.add(500);
    ended.remove(100);
    expect(backlog.congested).toBe(false);
    other?.remove(10);
    expect(clock.pendingTimers).toBe(0);
  });

  it('a woken feeder may fill it again and wait again', () => {
    const { backlog, meters } = setUp(1);
    const [meter] = meters;
    let fed = 0;
    const feed = (): void => {
      fed += 1;
      meter.add(101);
      backlog.whenClear(feed);
    };
    feed();
    meter.remove(101);
    expect([fed, backlog.congested]).toEqual([2, true]);
  });

  it('is not full when no consumer takes bytes, in any order of events', () => {
    const step = fc.record({
      meter: fc.nat({ max: 4 }),
      add: fc.nat({ max: 60 }),
      remove: fc.nat({ max: 60 }),
      passMs: fc.nat({ max: restMs }),
      end: fc.integer({ min: 0, max: 20 }).map((chance) => chance === 0),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { backlog, meters, clock } = setUp(5);
        for (const { meter: index, add, remove, passMs, end } of steps) {
          const meter = meters[index] as CongestionMeter;
          if (add > 0) meter.add(add);
          if (remove > 0) meter.remove(Math.min(remove, meter.queuedBytes));
          clock.advance(passMs);
          if (end) meter.clear();
          const waits = meters.reduce((sum, { queuedBytes }) => sum + queuedBytes, 0);
          if (waits <= marks.lowBytes) expect(backlog.congested).toBe(false);
        }
        clock.advance(3 * restMs);
        expect([backlog.congested, clock.pendingTimers]).toEqual([false, 0]);
      }),
    );
  });
});
