import { unknown } from './page.js';
import type { Results } from './results.js';
import { numberText, textTable } from './table.js';

/** What a figure shall be. `less`: the smaller, the better. */
interface Goal {
  readonly figure: string;
  readonly of: (results: Results) => number;
  readonly atLeast: number;
  readonly aim: number;
  readonly less?: boolean;
  readonly digits?: number;
}

/** Which number of which cell of which chain. */
type Place = readonly [cell: string, field: string, chain: string];
const value =
  (...[cell, field, chain]: Place) =>
  (results: Results): number =>
    results.median(cell, field, chain);

/** One chain against another, in the same cell. */
const ratio =
  (cell: string, field: string, [chain, base]: readonly [string, string]) =>
  (results: Results): number =>
    results.median(cell, field, chain) / results.median(cell, field, base);

/** One cell against another, of the same chain. */
const share =
  ([cell, base]: readonly [string, string], field: string, chain: string) =>
  (results: Results): number =>
    results.median(cell, field, chain) / results.median(base, field, chain);

const plain = ['ours-plain', 'raw'] as const;
const secure = ['ours', 'raw+tls'] as const;
const ideal = 'ours-ideal';
const less = true;

const throughputs = ['upload', 'download', 'upload-100', 'download-100'] as const;
const throughputGoals: readonly Goal[] = throughputs.flatMap((cell) => {
  const one = !cell.endsWith('-100');
  const title = one ? `${cell}, one connection` : `${cell.replace('-100', '')}, a hundred`;
  const cpuAtLeast = one ? 1.6 : 1.45;
  return [
    {
      figure: `${title}, plaintext / raw`,
      of: ratio(cell, 'rate', plain),
      ...{ atLeast: one ? 0.6 : 0.7, aim: one ? 0.9 : 0.85 },
    },
    {
      figure: `${title}, CPU per GB, plaintext / raw`,
      of: ratio(cell, 'cpuSecondsPerGb', plain),
      ...{ atLeast: cpuAtLeast, aim: 1.15, less },
    },
    { figure: `${title}, TLS / raw with TLS`, of: ratio(cell, 'rate', secure), atLeast: 0.95, aim: 1.2 },
  ];
});

const longGoals: readonly Goal[] = [10, 50].flatMap((delayMs) =>
  ['upload', 'download'].map((name) => ({
    figure: `${name}, TLS at ${delayMs} ms / raw with TLS`,
    of: ratio(`${name}-${delayMs}ms`, 'rate', secure),
    ...(delayMs === 10 ? { atLeast: 0.8, aim: 0.95 } : { atLeast: 0.6, aim: 0.9 }),
  })),
);

const dialGoals: readonly Goal[] = ['dials', 'single-use-dials'].flatMap((cell) => [
  {
    figure: `${cell} a second / the real pair's`,
    of: ratio(cell, 'rate', ['ours', 'real']),
    atLeast: 1,
    aim: 1.5,
  },
  {
    figure: `${cell}, CPU of the two hops each / raw relays'`,
    of: ratio(cell, 'hopsMs', ['ours', 'raw']),
    ...{ atLeast: 0.8, aim: 0.6, less },
  },
]);

const watchGoals: readonly Goal[] = ['upload', 'download', 'dials'].map((name) => ({
  figure: `${name}, every packet in a journal / not watched`,
  of: ratio(`watched-${name}`, 'rate', ['watch-packets', 'watch-off']),
  ...{ atLeast: 0.97, aim: 0.99 },
}));

const labGoal = (title: string, atLeast: number, aim: number): Goal => ({
  figure: `${title}, ms`,
  of: value('labs', `${title}, ms`, 'lab'),
  ...{ atLeast, aim, less, digits: 0 },
});

/** Ratios are those of one run. */
const goals: readonly Goal[] = [
  ...throughputGoals,
  {
    figure: 'ping-pong p50, plaintext / raw',
    of: ratio('ping-pong', 'p50Us', plain),
    atLeast: 1.3,
    aim: 1.12,
    less,
  },
  {
    figure: 'ping-pong p99, plaintext / raw',
    of: ratio('ping-pong', 'p99Us', plain),
    atLeast: 1.7,
    aim: 1.5,
    less,
  },
  ...[...secure.slice(0, 1), ideal].map((chain) => ({
    figure: `ping-pong p50 beside 4 downloads, ${chain} / raw with TLS beside the same`,
    of: ratio('ping-pong-loaded', 'p50Us', [chain, 'raw+tls']),
    ...{ atLeast: 0.35, aim: 0.15, less },
  })),
  ...dialGoals,
  {
    figure: "lab.exec(['true']) p50, ms",
    of: value('exec', 'labMs', 'lab'),
    atLeast: 6,
    aim: 3,
    less,
    digits: 1,
  },
  {
    figure: 'kubectl exec beyond its own time, p50, ms',
    of: value('exec', 'beyondMs', 'lab'),
    ...{ atLeast: 6, aim: 3, less, digits: 1 },
  },
  ...longGoals,
  {
    figure: 'one reader of a hundred stopped, ideal: throughput of the others / without',
    of: share(['others-download-stopped', 'others-download'], 'rate', ideal),
    ...{ atLeast: 0.95, aim: 0.99 },
  },
  {
    figure: 'one reader of a hundred stopped, ideal: p50 of the others / without',
    of: share(['others-ping-stopped', 'others-ping'], 'p50Us', ideal),
    ...{ atLeast: 1.2, aim: 1.1, less },
  },
  {
    figure: 'server, KiB an idle agent',
    of: value('idle-agents', 'server', 'ours'),
    atLeast: 50,
    aim: 15,
    less,
    digits: 0,
  },
  {
    figure: 'agent in one process, KiB',
    of: value('idle-agents', 'agent', 'ours'),
    atLeast: 100,
    aim: 15,
    less,
    digits: 0,
  },
  labGoal('startLab(), the first', 200, 100),
  labGoal('startLab(), the next', 80, 40),
  labGoal('startLab({ nodes: 1000 })', 8000, 4000),
  {
    figure: 'startLab({ nodes: 1000 }), MiB a node',
    of: value('labs', 'startLab({ nodes: 1000 }), MiB a node', 'lab'),
    ...{ atLeast: 0.2, aim: 0.1, less },
  },
  labGoal('100 labs at once', 4000, 2000),
  {
    figure: 'all 1,000 agents back after a server restart, ms',
    of: value('restart', 'backMs', 'ours'),
    ...{ atLeast: 10_000, aim: 3000, less, digits: 0 },
  },
  ...watchGoals,
  {
    figure: '10 GiB through one connection: constant memory, right checksum',
    of: value('endurance', 'ok', 'much'),
    atLeast: 1,
    aim: 1,
    digits: 0,
  },
  {
    figure: '10,000 connections open at once on one agent',
    of: value('endurance', 'ok', 'many'),
    atLeast: 1,
    aim: 1,
    digits: 0,
  },
  {
    figure: 'a stopped reader continues byte-exact after a minute, ideal',
    of: value('endurance', 'ok', 'stopped'),
    atLeast: 1,
    aim: 1,
    digits: 0,
  },
];

const heads = ['figure', 'measured', 'at least', 'aim', 'reached'];

function lineOf(
  { figure, of, atLeast, aim, less: fewer = false, digits = 2 }: Goal,
  results: Results,
): string[] {
  const measured = of(results);
  const reaches = (bound: number): boolean => (fewer ? measured <= bound : measured >= bound);
  const met = reaches(atLeast) ? 'yes' : 'no';
  const verdict = Number.isNaN(measured) ? unknown : reaches(aim) ? 'the aim' : met;
  return [figure, numberText(measured, digits), String(atLeast), String(aim), verdict];
}

/** The goals and what was measured, with a line for the heads. */
export function goalLines(results: Results): readonly (readonly string[])[] {
  return [heads, ...goals.map((goal) => lineOf(goal, results))];
}

/** The same for people, without what this run has not measured. Empty when it measured none of it. */
export function goalText(results: Results): string {
  const lines = goalLines(results).filter(([, measured]) => measured !== unknown);
  return lines.length === 1 ? '' : textTable(lines);
}
