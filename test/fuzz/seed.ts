import { randomInt } from 'node:crypto';

/** A seed by chance unless one is given, printed; `FUZZ_SEED=n` in the environment repeats a run. */
export function chooseSeed(): number {
  const seed = Number(process.env['FUZZ_SEED'] ?? randomInt(2 ** 32));
  process.stdout.write(`FUZZ_SEED=${seed}\n`);
  return seed;
}
