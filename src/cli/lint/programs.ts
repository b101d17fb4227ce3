import { agentFlags, type RawAgentFlags } from '../../dropin/agent/agent-flags.js';
import type { AnyFlagRow, FlagTable, Release } from '../../dropin/flags/flag-row.js';
import { type RawServerFlags, serverFlags } from '../../dropin/server/server-flags.js';
import type { FoundProgram } from './manifest.js';
import type { PodFacts } from './pod-facts.js';
import { type FlagReading, hasReference, readFlags } from './read-flags.js';

interface Read<V> extends FlagReading<V> {
  readonly program: 'proxy-server' | 'proxy-agent';
  readonly file: string;
  readonly line: number;
  readonly table: FlagTable;
  readonly pod: PodFacts | undefined;
  /** Its release as a number: 33 for v0.33.x, 0 for all before v0.28. Undefined when nothing tells it. */
  readonly release: number | undefined;
}

export interface Server extends Read<RawServerFlags> {
  readonly role: 'server';
}

export interface Agent extends Read<RawAgentFlags> {
  readonly role: 'agent';
}

export type Program = Server | Agent;

export function readProgram(found: FoundProgram): Program {
  const { file, line, pod, words, environment } = found;
  const common = { file, line, pod, release: releaseOf(found.tag) };
  if (found.role === 'server') {
    const reading = readFlags(serverFlags, words, environment);
    const given = reading.given.has('server-id') ? reading.values['server-id'] : undefined;
    const values = { ...reading.values, 'server-id': given ?? idFrom(environment, 'PROXY_SERVER_ID') };
    return { ...common, ...reading, values, role: 'server', program: 'proxy-server', table: serverFlags };
  }
  const reading = readFlags(agentFlags, words, environment);
  const given = reading.given.has('agent-id') ? reading.values['agent-id'] : undefined;
  const values = { ...reading.values, 'agent-id': given ?? idFrom(environment, 'PROXY_AGENT_ID') };
  return { ...common, ...reading, values, role: 'agent', program: 'proxy-agent', table: agentFlags };
}

/** The ID of the environment. Empty when it is random, `$(NAME)` when its value stands elsewhere. */
function idFrom(environment: FoundProgram['environment'], variable: string): string {
  return environment.has(variable) ? (environment.get(variable) ?? `$(${variable})`) : '';
}

const minorOf: Readonly<Record<Release, number>> = {
  'v0.28': 0,
  'v0.31': 31,
  'v0.35': 35,
  'v0.36': 36,
  next: 37,
};

/** The first release with a flag, as a number like `release` of a program. */
export function sinceOf(row: AnyFlagRow): number {
  return minorOf[row.since];
}

function releaseOf(tag: string | undefined): number | undefined {
  const [, minor] = /^v?0\.(\d+)(?:\D|$)/.exec(tag ?? '') ?? [];
  if (minor === undefined) return undefined;
  // Before v0.28 the minor was 0 or 1.
  return Number(minor) < 28 ? 0 : Number(minor);
}

/** False when the value of one of these flags stands in a variable. */
export function knows({ unknown }: Program, ...flags: readonly string[]): boolean {
  return flags.every((flag) => !unknown.has(flag));
}

/** The ID that is the same for each copy of the program. Undefined for random ones and for those of a variable. */
export function fixedId(program: Program): string | undefined {
  const id = program.role === 'server' ? program.values['server-id'] : program.values['agent-id'];
  return id === '' || hasReference(id) ? undefined : id;
}

/** True for a host that only programs of the same host (or pod) can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
