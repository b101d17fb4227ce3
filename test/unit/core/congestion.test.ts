import { describe, expect, it } from 'vitest';
import { CongestionMeter } from '../../../src/core/congestion.js';

const marks = { highBytes: 100, lowBytes: 20 };

describe('CongestionMeter', () => {
  it('is full above its high mark, until it falls to its low mark', () => {
    const meter = new CongestionMeter(marks);
    meter.add(100);
    expect(meter.congested).toBe(false);
    meter.add(1);
    expect(meter.congested).toBe(true);
    meter.remove(80);
    expect(meter.congested).toBe(true);
    meter.remove(1);
    expect([meter.congested, meter.queuedBytes, meter.takenBytes]).toEqual([false, 20, 81]);
  });

  it('wakes each feeder once', () => {
    const meter = new CongestionMeter(marks);
    let woken = 0;
    meter.add(101);
    meter.whenClear(() => (woken += 1));
    meter.whenClear(() => (woken += 1));
    meter.remove(101);
    expect(woken).toBe(2);
    meter.add(101);
    meter.remove(101);
    expect(woken).toBe(2);
  });

  it('a woken feeder may fill it again and wait again', () => {
    const meter = new CongestionMeter(marks);
    let fed = 0;
    const feed = (): void => {
      fed += 1;
      meter.add(101);
      meter.whenClear(feed);
    };
    feed();
    meter.remove(101);
    expect([fed, meter.congested]).toEqual([2, true]);
  });

  it('wakes all feeders at its end', () => {
    const meter = new CongestionMeter(marks);
    let woken = 0;
    meter.add(500);
    meter.whenClear(() => (woken += 1));
    meter.clear();
    expect([woken, meter.congested]).toEqual([1, false]);
  });
});
