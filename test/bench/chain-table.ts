import { cells, idleCell, rows } from './cells.js';
import {
  type Chain,
  type Context,
  programsOf,
  startPlainChain,
  startRawChain,
  startTunnelChain,
} from './chains.js';
import { measureIdleAgents } from './idle-memory.js';
import { tableOf } from './results.js';
import { measureRounds, roundsText } from './rounds.js';
import type { Run, Section } from './section.js';

const legend =
  'in parentheses: of raw, and for chains with TLS on the agent link / of raw+tls, which has it too';

/** Tunnels against relays of plain sockets. */
export const chainSection: Section = {
  name: 'chains',
  long: false,
  cells: [...Object.keys(cells), idleCell],
  measure: measureChains,
};

async function measureChains(run: Run): Promise<void> {
  const { options, results } = run;
  const { only } = options;
  const whole = only.length === 0 || only.includes(chainSection.name);
  const isWanted = (name: string): boolean => whole || only.includes(name);
  const context = await run.prepare();
  const chains = await startChains(context);
  const wanted = Object.entries(cells).filter(([name]) => isWanted(name));
  if (wanted.length > 0) {
    await measureRounds(run, { chains, cells: Object.fromEntries(wanted), delayMs: options.delayMs });
  }
  for (const programs of isWanted(idleCell) ? programsOf(context, ['real']) : []) {
    run.say(`${options.idleAgents} idle agents, ${programs.name}`);
    results.add(idleCell, programs.name, await measureIdleAgents(context, programs, options.idleAgents));
  }
  const names = chains.map(({ name }) => name);
  const wantedRows = rows.filter(({ cell }) => isWanted(cell));
  run.write(`${roundsText(options, options.delayMs)}${legend}\n\n${tableOf(results, wantedRows, names)}`);
}

async function startChains(context: Context): Promise<readonly Chain[]> {
  const chains: Chain[] = [await startRawChain(context, false)];
  chains.push(await startPlainChain(context, { name: 'ours-plain' }));
  chains.push(await startRawChain(context, true));
  for (const programs of programsOf(context, ['real', 'ideal'])) {
    chains.push(await startTunnelChain(context, programs));
  }
  return chains;
}
