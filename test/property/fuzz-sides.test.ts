import { describe, it } from 'vitest';
import { runSide } from '../fuzz/run-side.js';
import { chooseSeed } from '../fuzz/seed.js';
import { costs, sides } from '../fuzz/sides.js';

/** `npm run fuzz` does the same for a million packets a side. */
const seed = chooseSeed();
const packets = 20_000;

describe('whatever a peer sends', () => {
  it.each([...sides])('%s neither throws, nor breaks a rule, nor keeps anything', async (name, side) => {
    await runSide(name, side, { seed, packets: Math.ceil(packets / (costs[name] ?? 1)) });
  });
});
