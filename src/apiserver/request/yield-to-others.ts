import { setImmediate as turn } from 'node:timers/promises';

/** How long a write may use the thread before other work gets a turn. Most are shorter. */
const maxMs = 10;
/** When the first write of this turn started. */
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
 * Called before each pass over a body or an object. When writes have used the thread for long, it resolves after all
 * other work had a turn. Waiting writes continue one by one, so that other work waits for at most one pass.
 */
export function yieldToOthers(): Promise<void> | undefined {
  if (heldMs() < maxMs) return undefined;
  last = last.then(async () => {
    // The first continues before requests that have arrived in the meantime are read.
    await turn();
    await turn();
    heldMs();
  });
  return last;
}
