import { describe, expect, it } from 'vitest';
import { Turns } from '../../../src/core/turns.js';
import { deferred } from '../../support/deferred.js';

describe('turns', () => {
  it('run so many at a time, the others in order', async () => {
    const turns = new Turns(2);
    const begun: number[] = [];
    const gates = [0, 1, 2, 3].map(() => deferred());
    const ends = gates.map(({ promise }, index) =>
      turns.during(() => {
        begun.push(index);
        return promise;
      }),
    );
    expect(begun).toEqual([0, 1]);
    gates[1]?.resolve();
    await ends[1];
    expect(begun).toEqual([0, 1, 2]);
    for (const gate of gates) gate.resolve();
    await Promise.all(ends);
    expect(begun).toEqual([0, 1, 2, 3]);
  });

  it('pass on a result, and a failure, which gives the turn to the next', async () => {
    const turns = new Turns(1);
    const failed = turns.during(() => Promise.reject(new Error('no')));
    const next = turns.during(async () => 'yes');
    await expect(failed).rejects.toThrow('no');
    expect(await next).toBe('yes');
  });
});
