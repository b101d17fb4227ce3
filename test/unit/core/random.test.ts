import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.js';

describe('createRandom', () => {
  it('gives the same numbers for the same seed, and others for another seed', () => {
    const take = (seed: number): bigint[] => {
      const random = createRandom(seed);
      return Array.from({ length: 5 }, () => random.int63());
    };
    expect(take(1)).toEqual(take(1));
    expect(take(1)).not.toEqual(take(2));
  });

  it('makes dial IDs of 63 bits, positive, R1: nearly always beyond the numbers of JSON', () => {
    const random = createRandom(3);
    const ids = Array.from({ length: 1000 }, () => random.int63());
    expect(ids.every((id) => id > 0n && id < 2n ** 63n)).toBe(true);
    expect(ids.filter((id) => id > 2n ** 53n).length).toBeGreaterThan(990);
    expect(new Set(ids).size).toBe(1000);
  });

  it('gives every integer below a bound about equally often', () => {
    const random = createRandom(4);
    const counts = [0, 0, 0, 0, 0];
    for (let draw = 0; draw < 5000; draw += 1) {
      const value = random.below(5);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    expect(counts).toHaveLength(5);
    expect(counts.every((count) => count > 850 && count < 1150)).toBe(true);
  });

  it('draws floats from 0 to less than 1', () => {
    const random = createRandom(5);
    const floats = Array.from({ length: 1000 }, () => random.next());
    expect(Math.min(...floats)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...floats)).toBeLessThan(1);
    expect(Math.max(...floats)).toBeGreaterThan(0.9);
  });
});
