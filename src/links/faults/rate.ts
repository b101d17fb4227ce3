import { z } from 'zod';
import type { Timer } from '../../core/clock.js';
import type { Item } from '../lane.js';
import { byteCount, type FaultKind } from './fault-kind.js';

const settings = z.strictObject({
  /** Bytes a second in each direction of each flow. */
  bytesPerSecond: byteCount,
});

export const rate: FaultKind<z.output<typeof settings>> = {
  does: 'No more than so many bytes a second.',
  lesson: 'A big copy takes its time, and everything behind it in the same stream waits as long.',
  heals: 'What waits arrives at once.',
  settings,
  stage({ bytesPerSecond }, { clock }, pass) {
    const queue: Item[] = [];
    let timer: Timer | undefined;
    let freeAtMs = clock.now();
    const sizeOf = (item: Item): number => (typeof item === 'string' ? 0 : item.length);
    const next = (): void => {
      timer = undefined;
      const [item] = queue;
      if (item === undefined) return;
      const now = clock.now();
      if (freeAtMs > now) {
        timer = clock.after(freeAtMs - now, next);
        return;
      }
      queue.shift();
      const part = pieceOf(item, bytesPerSecond);
      if (part !== item && typeof item !== 'string') queue.unshift(item.subarray(sizeOf(part)));
      // From when it was due: a late timer must not slow the rate down.
      freeAtMs += (sizeOf(part) / bytesPerSecond) * 1000;
      pass(part);
      next();
    };
    return {
      take(item) {
        queue.push(item);
        if (timer !== undefined) return;
        freeAtMs = Math.max(freeAtMs, clock.now());
        next();
      },
      release() {
        timer?.cancel();
        for (const item of queue.splice(0)) pass(item);
      },
    };
  },
};

/** At most what passes in a tenth of a second, so that a big chunk does not arrive all at once. */
function pieceOf(item: Item, bytesPerSecond: number): Item {
  const most = Math.max(1, Math.floor(bytesPerSecond / 10));
  return typeof item === 'string' || item.length <= most ? item : item.subarray(0, most);
}
