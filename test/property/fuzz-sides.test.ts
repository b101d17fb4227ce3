import { describe, it } from 'vitest';
import { runSide } from '../fuzz/run-side.js';
import { chooseSeed } from '../fuzz/seed.js';
import { sides } from '../fuzz/sides.js';

/** `npm run fuzz` does the same for a million packets a side. */
const seed = chooseSeed();
const packets = 20_000;
/** Bytes over real sockets take longer than packets of a machine. */
const shares = new Map([
  ['connect-head', 1_500],
  ['streams', 3_000],
  ['facade-body', 600],
  ['tls', 300],
  ['http-head', 800],
]);

describe('whatever a peer sends', () => {
  it.each([...sides])('%s neither throws, nor breaks a rule, nor keeps anything', async (name, side) => {
    await runSide(name, side, { seed, packets: shares.get(name) ?? packets });
  });
});
