import type { Item, Pass, Stage } from '../lane.js';

/** Holds everything until the fault is over. */
export function holdAll(pass: Pass): Stage {
  const held: Item[] = [];
  return {
    take: (item) => void held.push(item),
    release() {
      for (const item of held.splice(0)) pass(item);
    },
  };
}
