import { z } from 'zod';
import type { Timer } from '../../core/clock.js';
import type { Item } from '../lane.js';
import { duration, type FaultKind } from './fault-kind.js';

const settings = z.strictObject({
  /** How much later an end or a reset arrives. */
  delay: duration,
});

export const slowClose: FaultKind<z.output<typeof settings>> = {
  does: 'Bytes pass at once, ends late.',
  lesson:
    'An end that arrives late keeps resources busy, and a program that reuses the address meets the old connection.',
  heals: 'Ends that wait arrive at once.',
  settings,
  stage({ delay }, { clock }, pass) {
    const ends: Item[] = [];
    const timers = new Set<Timer>();
    return {
      take(item) {
        if (typeof item !== 'string') return pass(item);
        ends.push(item);
        timers.add(
          clock.after(delay, () => {
            const end = ends.shift();
            if (end !== undefined) pass(end);
          }),
        );
      },
      release() {
        for (const timer of timers) timer.cancel();
        for (const item of ends.splice(0)) pass(item);
      },
    };
  },
};
