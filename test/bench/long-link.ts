import { cells } from './cells.js';
import { type Chain, programsOf, startRawChain, startTunnelChain } from './chains.js';
import { type Row, tableOf } from './results.js';
import { measureRounds, roundsText } from './rounds.js';
import type { Run, Section } from './section.js';

const delaysMs = [10, 50];
const measured = { upload: cells.upload, download: cells.download };

/** Throughput when the agent is far away. */
export const longLinkSection: Section = {
  name: 'long-link',
  long: true,
  async measure(run: Run): Promise<void> {
    const names: string[] = [];
    for (const delayMs of delaysMs) {
      run.say(`agent link + ${delayMs} ms`);
      const context = { ...(await run.prepare()), delayMs };
      const chains: Chain[] = [await startRawChain(context, true)];
      for (const programs of programsOf(context, ['real', 'ideal'])) {
        chains.push(await startTunnelChain(context, programs));
      }
      const named = Object.entries(measured).map(([name, cell]) => [`${name}-${delayMs}ms`, cell] as const);
      await measureRounds(run, { chains, cells: Object.fromEntries(named), delayMs });
      names.splice(0, names.length, ...chains.map(({ name }) => name));
      run.children.kill();
    }
    run.write(`${roundsText(run.options)}\n${tableOf(run.results, rows, names)}`);
  },
};

const rows: readonly Row[] = delaysMs.flatMap((delayMs) =>
  Object.keys(measured).map((name) => ({
    ...{ title: `${name}, agent link + ${delayMs} ms`, unit: 'MB/s' },
    ...{ cell: `${name}-${delayMs}ms`, field: 'rate', digits: 0 },
  })),
);
