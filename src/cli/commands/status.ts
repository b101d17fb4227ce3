import { Command } from 'commander';
import type { Cluster, Connection, FaultView, Part } from '../../control/contract.js';
import {
  addControlOptions,
  addOutputOption,
  type ControlFlags,
  connectControl,
  type OutputFormat,
} from '../control/control-options.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { createTerminal } from '../terminal.js';

interface StatusFlags extends ControlFlags {
  readonly output: OutputFormat;
}

interface Status {
  readonly cluster: Cluster;
  readonly connections: readonly Connection[];
  readonly faults: readonly FaultView[];
}

/** `konnsim status`: the parts of a running lab, and its connections as each end believes them. */
export function statusCommand(invocation: Invocation): Command {
  const command = new Command('status')
    .description('show the parts of a running lab, and its connections as each end believes them')
    .addHelpText('after', examples('konnsim status', 'konnsim status --output json'));
  return addOutputOption(addControlOptions(command)).action(async (flags: StatusFlags) => {
    const terminal = createTerminal(invocation.colour);
    const client = await connectControl(flags);
    const [cluster, connections, faults] = await Promise.all([
      client.get<Cluster>('/v1/cluster'),
      client.get<Connection[]>('/v1/connections'),
      client.get<FaultView[]>('/v1/faults'),
    ]);
    const status = { cluster, connections, faults };
    if (flags.output === 'text') for (const line of linesOf(status)) terminal.data(line);
    else for (const line of dataOf(status, flags.output)) terminal.data(line);
  });
}

/** One part, whether it works, and where it listens. */
export function partLine({ name, running, frozen, addresses }: Part): string {
  const state = frozen ? 'frozen' : running ? 'running' : 'stopped';
  return `${name.padEnd(20)} ${state.padEnd(8)} ${addresses.join('  ')}`.trimEnd();
}

/** As NDJSON, each thing with its kind. */
function dataOf(status: Status, format: 'json' | 'ndjson'): readonly string[] {
  if (format === 'json') return [JSON.stringify(status)];
  const { parts } = status.cluster;
  return [
    ...parts.map((part) => ({ kind: 'part', ...part })),
    ...status.connections.map((connection) => ({ kind: 'connection', ...connection })),
    ...status.faults.map((fault) => ({ kind: 'fault', ...fault })),
  ].map((item) => JSON.stringify(item));
}

function linesOf({ cluster, connections, faults }: Status): readonly string[] {
  const { seed, nowMs, timeScale, parts } = cluster;
  return [
    `seed ${seed}, lab time ${(nowMs / 1000).toFixed(1)} s, ${timeScale} times as fast as real time`,
    '',
    ...parts.map(partLine),
    '',
    ...(connections.length === 0
      ? ['no connection through the tunnel']
      : connections.flatMap(connectionLines)),
    ...(faults.length === 0 ? [] : ['', ...faults.map(faultLine)]),
  ];
}

function connectionLines(connection: Connection): readonly string[] {
  const { address, request, frontend, server, agent, atFrontend, atServer, atAgent, zombie } = connection;
  const ends = [
    `${frontend ?? 'frontend'} ${atFrontend}`,
    `${server} ${atServer}`,
    `${agent ?? 'agent'} ${atAgent}`,
  ];
  const of = request === undefined ? '' : ` for ${request}`;
  return [`${address}${of}${zombie ? '  ZOMBIE: the ends do not agree' : ''}`, `  ${ends.join('  ·  ')}`];
}

function faultLine({ id, action, hits }: FaultView): string {
  return `fault ${id}: ${action}, ${hits} hits`;
}
