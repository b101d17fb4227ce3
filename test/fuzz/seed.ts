import { randomInt } from 'node:crypto';

/** A seed by chance unless one is given, printed; `FUZZ_SEED=n` in the environment repeats a run. */
export function chooseSeed(given = randomInt(2 ** 32)): number {
  const seed = Number(process.env['FUZZ_SEED'] ?? given);
  process.stdout.write(`FUZZ_SEED=${seed}\n`);
  return seed;
}
