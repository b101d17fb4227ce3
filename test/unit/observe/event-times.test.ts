import { expect, it } from 'vitest';
import { EventTimes } from '../../../src/observe/event-times.js';

it('events after a suspend are later, and those before it stay where they were', () => {
  let wallMs = 1_000_000;
  const times = new EventTimes(() => wallMs);
  wallMs += 10;
  expect(times.note(10)).toBe(1_000_010);
  wallMs += 3_600_000 + 10;
  expect(times.note(20)).toBe(4_600_020);
  expect([times.at(0), times.at(10), times.at(20), times.at(25)]).toEqual([
    1_000_000, 1_000_010, 4_600_020, 4_600_025,
  ]);
});

it('times do not go back when the clock is set back', () => {
  let wallMs = 1_000_000;
  const times = new EventTimes(() => wallMs);
  wallMs -= 5_000;
  expect(times.note(10)).toBe(1_000_010);
  expect(times.note(20)).toBe(1_000_020);
});

it('remembers a bounded number of steps', () => {
  let wallMs = 0;
  const times = new EventTimes(() => wallMs);
  for (let t = 1; t <= 1000; t++) {
    wallMs += 1000;
    times.note(t);
  }
  expect(times.at(1000)).toBe(1_000_000);
  expect(times.at(1)).toBeLessThan(times.at(1000));
});
