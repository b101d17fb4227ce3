import { describe, expect, it } from 'vitest';
import { humanDuration, since } from '../../../src/apiserver/resources/duration.js';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe('a duration in the AGE column', () => {
  it.each([
    [-3 * second, '<invalid>'],
    [-1.5 * second, '0s'],
    [0, '0s'],
    [119 * second, '119s'],
    [2 * minute, '2m'],
    [5 * minute + 10 * second, '5m10s'],
    [10 * minute + 59 * second, '10m'],
    [179 * minute, '179m'],
    [3 * hour, '3h'],
    [7 * hour + 59 * minute, '7h59m'],
    [8 * hour + 30 * minute, '8h'],
    [47 * hour, '47h'],
    [2 * day, '2d'],
    [7 * day + 23 * hour, '7d23h'],
    [8 * day + 23 * hour, '8d'],
    [729 * day, '729d'],
    [730 * day, '2y'],
    [731 * day, '2y1d'],
    [9 * 365 * day, '9y'],
  ])('of %d ms reads %s', (durationMs, text) => {
    expect(humanDuration(durationMs)).toBe(text);
  });

  it('is unknown without a timestamp', () => {
    expect(since(undefined, 0)).toBe('<unknown>');
    expect(since('yesterday', 0)).toBe('<unknown>');
    expect(since('1970-01-01T00:00:10Z', 40 * second)).toBe('30s');
  });
});
