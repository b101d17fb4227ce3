import type { Cell } from './cells.js';
import type { Chain } from './chains.js';
import type { BenchOptions } from './options.js';
import type { Run } from './section.js';

export interface Rounds {
  readonly chains: readonly Chain[];
  /** By the names that their samples get. */
  readonly cells: Readonly<Record<string, Cell>>;
  /** Of the agent link, there and back. */
  readonly delayMs: number;
}

/** How often and how long each cell is measured, for people. */
export function roundsText({ rounds, windowMs }: BenchOptions, delayMs = 0): string {
  const delay = delayMs === 0 ? '' : `; agent link + ${delayMs} ms round trip`;
  return `medians of ${rounds} rounds of ${windowMs} ms${delay}\n`;
}

/** Measures each cell of each chain, one after the other, in each round. A cell that fails says so and has no sample. */
export async function measureRounds(run: Run, { chains, cells, delayMs }: Rounds): Promise<void> {
  const { rounds, windowMs } = run.options;
  const warmUpMs = 100 + 10 * delayMs;
  // The first round warms the compilers up and does not count.
  for (let round = 0; round <= rounds; round += 1) {
    run.say(`round ${round} of ${rounds}`);
    for (const [name, cell] of Object.entries(cells)) {
      for (const chain of chains) {
        const sample = await chain
          .measure({ ...cell, warmUpMs, windowMs })
          .catch((error: unknown) => run.say(`${chain.name}, ${name}: ${String(error)}`));
        if (sample !== undefined && round > 0) run.results.add(name, chain.name, sample);
      }
    }
  }
}
