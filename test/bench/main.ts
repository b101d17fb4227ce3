import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCertificateDirectory } from '../../src/pki/files.js';
import { cells, idleCell, rows } from './cells.js';
import {
  type Chain,
  type Context,
  ourPrograms,
  type Programs,
  realPrograms,
  startPlainChain,
  startRawChain,
  startTunnelChain,
} from './chains.js';
import { Children } from './children.js';
import { hostileCell, measureHostile } from './hostile.js';
import { measureIdleAgents } from './idle-memory.js';
import { labsCell, measureLabs } from './labs.js';
import { measureMemory, memoryCell } from './memory.js';
import { type BenchOptions, parseOptions, usage } from './options.js';
import { measureRestart, restartCell } from './restart.js';
import { Results, tableOf } from './results.js';

const say = (text: string): void => void process.stderr.write(`${text}\n`);

function machineLine({ rounds, windowMs, delayMs, nodeFlags }: BenchOptions): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  const machine = `${availableParallelism()} cores (${model}), node ${process.version}, ${process.platform}`;
  const flags = nodeFlags.length === 0 ? '' : `; ours with ${nodeFlags.join(' ')}`;
  const delay = delayMs === 0 ? '' : `; agent link + ${delayMs} ms round trip`;
  return `${machine}; medians of ${rounds} rounds of ${windowMs} ms${delay}${flags}`;
}

const legend =
  'in parentheses: of raw, and for chains with TLS on the agent link / of raw+tls, which has it too';

async function prepare(children: Children, options: BenchOptions, folder: string): Promise<Context> {
  const certificates = await writeCertificateDirectory(folder);
  const { worker, hello } = await children.worker<never, never, { port: number; controlPort: number }>(
    'endpoint',
    {},
  );
  const { delayMs, nodeFlags } = options;
  return { children, certificates, folder, delayMs, nodeFlags, endpoint: { pid: worker.pid, ...hello } };
}

const isWanted = ({ only }: BenchOptions, name: string): boolean => only.length === 0 || only.includes(name);

async function measureRounds(
  chains: readonly Chain[],
  options: BenchOptions,
  results: Results,
): Promise<void> {
  const warmUpMs = 100 + 10 * options.delayMs;
  const wanted = Object.entries(cells).filter(([name]) => isWanted(options, name));
  // The first round warms the compilers up and does not count.
  for (let round = 0; round <= options.rounds; round += 1) {
    say(`round ${round} of ${options.rounds}`);
    for (const [name, cell] of wanted) {
      for (const chain of chains) {
        const sample = await chain
          .measure({ ...cell, warmUpMs, windowMs: options.windowMs })
          .catch((error: unknown) => say(`${chain.name}, ${name}: ${String(error)}`));
        if (sample !== undefined && round > 0) results.add(name, chain.name, sample);
      }
    }
  }
}

async function measure(children: Children, options: BenchOptions, folder: string): Promise<void> {
  const results = new Results();
  if (isWanted(options, memoryCell)) {
    say('memory of a lab');
    results.add(memoryCell, 'lab', await measureMemory(children, (text) => process.stdout.write(text)));
  }
  if (isWanted(options, hostileCell)) {
    say('a hostile container in a lab');
    results.add(hostileCell, 'lab', await measureHostile((text) => process.stdout.write(text)));
  }
  if (isWanted(options, labsCell)) {
    say('the start of labs');
    results.add(labsCell, 'lab', await measureLabs(children, (text) => process.stdout.write(text)));
  }
  if (isWanted(options, restartCell)) {
    say('the restart of a server');
    const programs = programsOf(options);
    const samples = await measureRestart({ children, folder }, programs, (text) =>
      process.stdout.write(text),
    );
    for (const [index, sample] of samples.entries())
      results.add(restartCell, programs[index]?.name ?? '', sample);
  }
  const machine = machineLine(options);
  const ofLabs = [memoryCell, hostileCell, labsCell, restartCell];
  const wantsChains = options.only.length === 0 || options.only.some((name) => !ofLabs.includes(name));
  if (wantsChains) await measureChains({ children, options, folder, results });
  if (options.jsonFile === undefined) return;
  await writeFile(options.jsonFile, `${JSON.stringify({ machine, options, samples: results }, null, 2)}\n`);
}

function programsOf({ nodeFlags, real }: BenchOptions): readonly Programs[] {
  return [ourPrograms(nodeFlags), ...(real === undefined ? [] : [realPrograms(real)])];
}

interface Run {
  readonly children: Children;
  readonly options: BenchOptions;
  readonly folder: string;
  readonly results: Results;
}

async function measureChains({ children, options, folder, results }: Run): Promise<void> {
  const context = await prepare(children, options, folder);
  const tunnels = programsOf(options);
  const chains = [await startRawChain(context, false), await startPlainChain(context)];
  chains.push(await startRawChain(context, true));
  for (const programs of tunnels) chains.push(await startTunnelChain(context, programs));
  await measureRounds(chains, options, results);
  for (const programs of isWanted(options, idleCell) ? tunnels : []) {
    say(`${options.idleAgents} idle agents, ${programs.name}`);
    results.add(idleCell, programs.name, await measureIdleAgents(context, programs, options.idleAgents));
  }
  const names = chains.map(({ name }) => name);
  const wantedRows = rows.filter(({ cell }) => isWanted(options, cell));
  process.stdout.write(`${machineLine(options)}\n${legend}\n\n${tableOf(results, wantedRows, names)}`);
}

/** Exit codes: 0 done, 1 failed, 2 usage, 130 interrupted. */
async function main(): Promise<number> {
  let options: BenchOptions | 'help';
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return 2;
  }
  if (options === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  const children = new Children();
  const folder = mkdtempSync(join(tmpdir(), 'knb-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(130));
  await measure(children, options, folder);
  return 0;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(1);
  },
);
