import { setImmediate as turn } from 'node:timers/promises';

/** How long a write may hold the thread before others have their turn. Most are over sooner. */
const maxMs = 10;

/** When the first write of this turn began. */
let began: number | undefined;
let last: Promise<void> = Promise.resolve();

function heldMs(): number {
  if (began === undefined) {
    began = performance.now();
    setImmediate(() => {
      began = undefined;
    });
  }
  return performance.now() - began;
}

/**
 * Asked before each pass over a body or an object: when writes have held the thread for long, it resolves after everybody
 * else has had a turn. Those that wait go on one by one, so that others wait for one pass and no more.
 */
export function afterOthers(): Promise<void> | undefined {
  if (heldMs() < maxMs) return undefined;
  last = last.then(async () => {
    // The first comes before what has arrived meanwhile is read.
    await turn();
    await turn();
    heldMs();
  });
  return last;
}
