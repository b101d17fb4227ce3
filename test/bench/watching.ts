import { cells } from './cells.js';
import { type Chain, type Context, type PlainOptions, startPlainChain } from './chains.js';
import type { Results } from './results.js';
import { measureRounds, roundsText } from './rounds.js';
import type { Run, Section } from './section.js';
import { host } from './sockets.js';
import { numberText, textTable } from './table.js';

const scrapeMs = 500;

type Variant = PlainOptions & { readonly title: string; readonly scraped?: boolean };

const off: Variant = { name: 'watch-off', title: 'nothing' };

/** Each has no TLS on the agent link, where it would hide what watching costs. Metrics are always counted. */
const variants: readonly Variant[] = [
  off,
  { name: 'watch-journal', title: 'a journal, without packets', watching: 'journal' },
  { name: 'watch-packets', title: 'a journal of every packet, as a lab', watching: 'packets' },
  { name: 'watch-metrics', title: '/metrics, twice a second', scraped: true },
  { name: 'watch-network', title: 'a network of node addresses, as a lab', nodeNetwork: true },
  {
    name: 'watch-links',
    title: 'links on both sides of the agent, as a lab',
    nodeNetwork: true,
    linked: true,
  },
  { name: 'watch-device', title: 'a device on the agent link, a process more', middlebox: true },
];

const measured = {
  'watched-upload': cells.upload,
  'watched-download': cells.download,
  'watched-dials': cells.dials,
};

/** What watching costs, and what links cost that have no fault. */
export const watchingSection: Section = {
  name: 'watching',
  long: false,
  async measure(run: Run): Promise<void> {
    const context = await run.prepare();
    const chains: Chain[] = [];
    for (const variant of variants) chains.push(await startVariant(context, variant));
    await measureRounds(run, { chains, cells: measured, delayMs: run.options.delayMs });
    run.write(`${roundsText(run.options, run.options.delayMs)}\n`);
    run.write(textTable([heads, ...variants.map((variant) => lineOf(run.results, variant))]));
  },
};

async function startVariant(context: Context, variant: Variant): Promise<Chain> {
  const { healthPorts, ...chain } = await startPlainChain(context, variant);
  if (variant.scraped !== true) return chain;
  const measure: Chain['measure'] = async (cell) => {
    const scrape = (): void => void Promise.allSettled(healthPorts.map(readMetrics));
    scrape();
    const timer = setInterval(scrape, scrapeMs);
    try {
      return await chain.measure(cell);
    } finally {
      clearInterval(timer);
    }
  };
  return { ...chain, measure };
}

async function readMetrics(port: number): Promise<void> {
  const answer = await fetch(`http://${host}:${port}/metrics`);
  await answer.text();
}

const columns = [
  { head: 'upload, MB/s', cell: 'watched-upload', field: 'rate', digits: 0 },
  { head: 'download, MB/s', cell: 'watched-download', field: 'rate', digits: 0 },
  { head: 'dials/s', cell: 'watched-dials', field: 'rate', digits: 0 },
  { head: 'server and agent a dial, CPU ms', cell: 'watched-dials', field: 'hopsMs', digits: 2 },
] as const;

const heads = ['watched by (of nothing)', ...columns.map(({ head }) => head)];

function lineOf(results: Results, { name, title }: Variant): readonly string[] {
  const texts = columns.map(({ cell, field, digits }) => {
    const value = results.median(cell, field, name);
    const text = numberText(value, digits);
    return name === off.name
      ? text
      : `${text} (${numberText(value / results.median(cell, field, off.name), 2)})`;
  });
  return [title, ...texts];
}
