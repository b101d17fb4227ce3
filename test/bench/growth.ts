import { writeFile } from 'node:fs/promises';
import { type Programs, programsOf, startTunnelChain } from './chains.js';
import type { LabsStarted, LabsStep } from './labs-worker.js';
import { docsFolder } from './page.js';
import { type Panel, plotSvg } from './plot.js';
import type { Results } from './results.js';
import type { Run, Section } from './section.js';
import { numberText, textTable } from './table.js';

const connectionCounts = [100, 1000, 10_000];
const nodeCounts = [10, 100, 1000];
const kib = 1024;
const mib = kib * kib;
/** What is compiled and cached once belongs to no connection. */
const firstDialsMs = 1000;

/** How one agent bears more connections. */
export const connectionGrowth: Section = {
  name: 'growth-connections',
  long: true,
  async measure(run: Run): Promise<void> {
    const pairs = programsOf(run.options, ['real', 'ideal']);
    for (const programs of pairs) {
      for (const count of connectionCounts) {
        run.say(`${count} connections, ${programs.name}`);
        await measureConnections(run, { programs, count });
      }
    }
    const names = pairs.map(({ name }) => name);
    run.write(connectionTable(run.results, names));
    await plot(run, 'growth-connections.svg', connectionPanels(run.results, names));
  },
};

/** How a lab bears more nodes. */
export const nodeGrowth: Section = {
  name: 'growth-nodes',
  long: true,
  async measure(run: Run): Promise<void> {
    for (const count of nodeCounts) {
      run.say(`a lab of ${count} nodes`);
      await measureNodes(run, count);
    }
    run.write(nodeTable(run.results));
    await plot(run, 'growth-nodes.svg', nodePanels(run.results));
  },
};

async function plot({ options }: Run, file: string, panels: readonly Panel[]): Promise<void> {
  if (options.docs) await writeFile(new URL(file, docsFolder), plotSvg(panels));
}

interface Step {
  readonly programs: Programs;
  readonly count: number;
}

/** Fresh processes for each step, so that memory which an earlier one left behind does not hide what this one needs. */
async function measureConnections(run: Run, { programs, count }: Step): Promise<void> {
  run.children.kill();
  const chain = await startTunnelChain(await run.prepare(), programs);
  const times = { warmUpMs: 100 + count / 5, windowMs: Math.max(run.options.windowMs, count / 5) };
  const singleUse = true;
  await chain.measure({ cell: 'dials', connections: 50, singleUse, warmUpMs: 0, windowMs: firstDialsMs });
  const ping = await chain.measure({
    ...{ cell: 'ping-pong', connections: 1, singleUse, beside: { idle: count - 1 }, ...times },
  });
  const echoes = await chain.measure({ cell: 'echoes', connections: count, singleUse, ...times });
  run.results.add(connections(count), programs.name, { ...ping, rate: echoes['rate'] ?? Number.NaN });
}

/** A fresh process for each, for the same reason. */
async function measureNodes({ children, results }: Run, count: number): Promise<void> {
  const { worker } = await children.worker<LabsStep, LabsStarted, null>('labs-worker', {}, ['--expose-gc']);
  await worker.ask({ nodes: 2, labs: 1 });
  const { tookMs, cpuMs, rss, heapUsed } = await worker.ask({ nodes: count, labs: 1 });
  await worker.stop();
  const sample = { tookMs, cpuMs, eachMs: tookMs / count };
  results.add(nodes(count), 'lab', { ...sample, rssMib: rss / mib / count, heapMib: heapUsed / mib / count });
}

const connections = (count: number): string => `connections-${count}`;
const nodes = (count: number): string => `nodes-${count}`;

function connectionTable(results: Results, names: readonly string[]): string {
  const heads = [
    ...['connections of one agent', 'open', 'echoes on all, MB/s', 'ping-pong of one, p50 us'],
    ...['server, KiB each', 'agent, KiB each'],
  ];
  const lines = names.flatMap((name) =>
    connectionCounts.map((count) => {
      const value = (field: string, digits: number): string =>
        numberText(results.median(connections(count), field, name), digits);
      const memory = [value('serverKib', 1), value('agentKib', 1)];
      return [name, count.toString(), value('rate', 0), value('p50Us', 0), ...memory];
    }),
  );
  return textTable([heads, ...lines]);
}

function nodeTable(results: Results): string {
  const heads = ['nodes of a lab', 'startLab(), ms', 'ms a node', 'MiB RSS a node', 'MiB heap a node'];
  const lines = nodeCounts.map((count) => {
    const value = (field: string, digits: number): string =>
      numberText(results.median(nodes(count), field, 'lab'), digits);
    return [
      count.toString(),
      value('tookMs', 0),
      value('eachMs', 1),
      value('rssMib', 3),
      value('heapMib', 3),
    ];
  });
  return textTable([heads, ...lines]);
}

function connectionPanels(results: Results, names: readonly string[]): readonly Panel[] {
  const series = (field: string) =>
    names.map((name) => ({
      name,
      points: connectionCounts.map((x) => ({ x, y: results.median(connections(x), field, name) })),
    }));
  const xTitle = 'connections of one agent';
  return [
    { title: 'echoes of 16 KiB on all, MB/s', xTitle, series: series('rate') },
    { title: 'ping-pong of one, p50 µs', xTitle, series: series('p50Us') },
    { title: 'server, KiB a connection', xTitle, series: series('serverKib') },
    { title: 'agent, KiB a connection', xTitle, series: series('agentKib') },
  ];
}

function nodePanels(results: Results): readonly Panel[] {
  const series = (name: string, field: string) => ({
    name,
    points: nodeCounts.map((x) => ({ x, y: results.median(nodes(x), field, 'lab') })),
  });
  const xTitle = 'nodes of a lab';
  return [
    { title: 'startLab(), ms a node', xTitle, series: [series('real time', 'eachMs')] },
    { title: 'MiB a node', xTitle, series: [series('resident', 'rssMib'), series('heap', 'heapMib')] },
  ];
}
