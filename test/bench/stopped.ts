import type { Cell } from './cells.js';
import { type Chain, programsOf, startRawChain, startTunnelChain } from './chains.js';
import type { Results } from './results.js';
import { measureRounds, roundsText } from './rounds.js';
import type { Run, Section } from './section.js';
import { numberText, textTable } from './table.js';

const others = 99;
const download = { cell: 'download', connections: others, singleUse: true } as const;
const pings = { cell: 'ping-pong', connections: 1, singleUse: true } as const;
const idle = others - 1;

const cells = {
  'others-download': download,
  'others-download-stopped': { ...download, beside: { stopped: 1 } },
  'others-ping': { ...pings, beside: { idle } },
  'others-ping-stopped': { ...pings, beside: { idle, stopped: 1 } },
} as const satisfies Readonly<Record<string, Cell>>;

/** A hundred connections of one agent. One is a download whose client does not read: what do the others notice? */
export const stoppedSection: Section = {
  name: 'stopped-reader',
  long: false,
  async measure(run: Run): Promise<void> {
    const { options, results } = run;
    const context = await run.prepare();
    const chains: Chain[] = [await startRawChain(context, true)];
    for (const programs of programsOf(context, ['real', 'ideal'])) {
      chains.push(await startTunnelChain(context, programs));
    }
    await measureRounds(run, { chains, cells, delayMs: options.delayMs });
    const names = chains.map(({ name }) => name);
    run.write(`${roundsText(options, options.delayMs)}\n`);
    run.write(textTable([heads, ...names.map((name) => lineOf(results, name))]));
  },
};

const heads = [
  'one reader of a hundred stopped',
  `${others} downloads, MB/s`,
  'beside it',
  `ping-pong of one, p50 us`,
  'beside it',
];

type CellName = keyof typeof cells;

function lineOf(results: Results, chain: string): readonly string[] {
  const rate = (cell: CellName): number => results.median(cell, 'rate', chain);
  const p50 = (cell: CellName): number => results.median(cell, 'p50Us', chain);
  const [alone, beside] = [rate('others-download'), rate('others-download-stopped')];
  const [p50Alone, p50Beside] = [p50('others-ping'), p50('others-ping-stopped')];
  const noEcho = rate('others-ping-stopped') === 0;
  return [
    chain,
    numberText(alone, 0),
    `${numberText(beside, 0)} (${numberText(beside / alone, 2)})`,
    numberText(p50Alone, 0),
    noEcho ? 'no echo comes' : `${numberText(p50Beside, 0)} (${numberText(p50Beside / p50Alone, 2)})`,
  ];
}
