import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BehaviourMode } from '../../src/core/faithful.js';
import { type CertificateSet, leafTls, type RoleLeaf } from '../../src/pki/certificate-set.js';
import { packetFlags } from '../../src/wire/carrier/packet-flags.js';
import type { TlsFiles } from '../../src/wire/net/tls.js';
import type { Child, Children, Worker } from './children.js';
import type { DelaySetup } from './delay-relay.js';
import type { PlainRoleSetup } from './plain-role.js';
import type { RelaySetup } from './relay.js';
import type { CellRequest, HoldRequest, LoadSetup, Sample, TunnelWay, Watching, Way } from './requests.js';
import { freePort, host, nodeAddress, whenReady } from './sockets.js';

/** One way from a client to the endpoint: a client process, two hops, and the endpoint that all share. */
export interface Chain {
  readonly name: string;
  measure(cell: Omit<CellRequest, 'pids'>): Promise<Sample>;
}

/** What all chains of a run share. */
export interface Context {
  readonly children: Children;
  readonly certificates: CertificateSet;
  /** Where the certificates lie as files, and where sockets go. */
  readonly folder: string;
  readonly delayMs: number;
  readonly nodeFlags: readonly string[];
  /** The folder of `--real`. */
  readonly real: string | undefined;
  readonly endpoint: { readonly pid: number; readonly port: number; readonly controlPort: number };
}

export function tlsOf({ certificates }: Context, leaf: RoleLeaf): TlsFiles {
  return leafTls(certificates, leaf);
}

/** Two relays of plain sockets, in place of the server and the agent; the link between them in TLS or not. */
export async function startRawChain(context: Context, secure: boolean): Promise<Chain> {
  const { endpoint } = context;
  const accept = secure ? { tls: { side: 'accept', ...tlsOf(context, 'server') } as const } : {};
  const dial = secure ? { tls: { side: 'connect', ...tlsOf(context, 'agent') } as const } : {};
  const second = await startRelay(context, { toPort: endpoint.port, ...accept });
  const linkPort = await delayed(context, second.port);
  const first = await startRelay(context, { toPort: linkPort, ...dial });
  const way: Way = { kind: 'tcp', port: first.port };
  return startLoad(context, { name: secure ? 'raw+tls' : 'raw', way, hops: [first.pid, second.pid] });
}

async function startRelay({ children }: Context, setup: RelaySetup): Promise<{ pid: number; port: number }> {
  const { worker, hello: port } = await children.worker<never, never, number>('relay', { ...setup });
  return { pid: worker.pid, port };
}

/** The port by which the agent link is reached. */
async function delayed({ children, delayMs }: Context, toPort: number): Promise<number> {
  if (delayMs === 0) return toPort;
  const setup: DelaySetup = { toPort, oneWayMs: delayMs / 2 };
  const { hello } = await children.worker<never, never, number>('delay-relay', { ...setup });
  return hello;
}

/** Programs with Konnectivity's flags. */
export interface Programs {
  readonly name: string;
  /** How each is started: the file and what stands before the flags. */
  readonly server: readonly [string, ...string[]];
  readonly agent: readonly [string, ...string[]];
  /** Of our programs. */
  readonly as: BehaviourMode;
}

/** Parts as released ones behave are called `ours`, ideal ones `ours-ideal`. */
export function ourPrograms(nodeFlags: readonly string[], as: BehaviourMode = 'real'): Programs {
  const bin = (name: string): string => fileURLToPath(new URL(`../../bin/${name}`, import.meta.url));
  const run = (name: string) => [process.execPath, ...nodeFlags, bin(name)] as const;
  const name = as === 'real' ? 'ours' : 'ours-ideal';
  return { name, server: [...run('proxy-server')], agent: [...run('proxy-agent')], as };
}

function realPrograms(folder: string): Programs {
  const [server, agent] = [join(folder, 'proxy-server'), join(folder, 'proxy-agent')];
  return { name: 'real', server: [server], agent: [agent], as: 'real' };
}

/** The pairs of programs that are measured: ours, ours as ideal parts if wanted, and the real one if it is given. */
export function programsOf(
  { nodeFlags, real }: Pick<Context, 'nodeFlags' | 'real'>,
  modes: readonly BehaviourMode[],
): readonly Programs[] {
  const ours = modes.map((as) => ourPrograms(nodeFlags, as));
  return real === undefined ? ours : [...ours, realPrograms(real)];
}

export interface RunningServer {
  readonly child: Child;
  readonly agentPort: number;
  readonly healthPort: number;
  /** Where clients dial. */
  readonly address: string;
}

let servers = 0;

/** Without `port`, agents find it on a free one. */
export async function startServer(
  context: Pick<Context, 'children' | 'folder'>,
  { name, server, as }: Programs,
  port?: number,
): Promise<RunningServer> {
  const agentPort = port ?? (await freePort());
  const [healthPort, adminPort] = [await freePort(), await freePort()];
  servers += 1;
  const socket = join(context.folder, `${servers}.sock`);
  const file = (leaf: string): string => join(context.folder, leaf);
  const [program, ...before] = server;
  const flags = [
    ...before,
    ...['--mode=grpc', `--uds-name=${socket}`, '--server-port=0', '--server-id=bench', '--server-count=1'],
    ...[`--agent-bind-address=${host}`, `--agent-port=${agentPort}`, '--proxy-strategies=default'],
    ...[`--health-bind-address=${host}`, `--health-port=${healthPort}`],
    ...[`--admin-bind-address=${host}`, `--admin-port=${adminPort}`],
    ...[`--cluster-ca-cert=${file('agent-ca.crt')}`, `--cluster-cert=${file('server.crt')}`],
    `--cluster-key=${file('server.key')}`,
  ];
  const child = context.children.program(`${name}'s proxy-server`, program, flags, { KONNSIM_AS: as });
  await Promise.race([whenReady(healthPort, '/healthz', 20_000), child.failed]);
  return { child, agentPort, healthPort, address: `unix://${socket}` };
}

async function startAgent(
  context: Context,
  { name, agent, as }: Programs,
  serverPort: number,
): Promise<Child> {
  const [healthPort, adminPort] = [await freePort(), await freePort()];
  const file = (leaf: string): string => join(context.folder, leaf);
  const [program, ...before] = agent;
  const flags = [
    ...before,
    ...[`--proxy-server-host=${host}`, `--proxy-server-port=${serverPort}`, '--agent-id=bench'],
    ...[
      `--ca-cert=${file('agent-ca.crt')}`,
      `--agent-cert=${file('agent.crt')}`,
      `--agent-key=${file('agent.key')}`,
    ],
    ...[`--agent-identifiers=ipv4=${host}`, '--keepalive-time=31s'],
    ...[`--health-server-host=${host}`, `--health-server-port=${healthPort}`],
    ...[`--admin-bind-address=${host}`, `--admin-server-port=${adminPort}`],
  ];
  const child = context.children.program(`${name}'s proxy-agent`, program, flags, { KONNSIM_AS: as });
  await Promise.race([whenReady(healthPort, '/readyz', 20_000), child.failed]);
  return child;
}

export interface TunnelPair {
  readonly server: RunningServer;
  readonly agent: Child;
  /** To an endpoint on loopback. */
  readonly way: TunnelWay;
}

/** A proxy-server and an agent; the client is ours whosever they are. */
export async function startTunnelPair(
  context: Context,
  programs: Programs,
  endpointPort: number,
): Promise<TunnelPair> {
  const server = await startServer(context, programs);
  const agent = await startAgent(context, programs, await delayed(context, server.agentPort));
  await Promise.race([whenReady(server.healthPort, '/readyz', 20_000), server.child.failed]);
  const endpoint = { host, port: endpointPort };
  const flowControl = programs.as === 'ideal';
  return { server, agent, way: { kind: 'tunnel', address: server.address, endpoint, flowControl } };
}

export async function startTunnelChain(context: Context, programs: Programs): Promise<Chain> {
  const { server, agent, way } = await startTunnelPair(context, programs, context.endpoint.port);
  return startLoad(context, { name: programs.name, way, hops: [server.child.pid, agent.pid] });
}

/** How our server and our agent are watched that have no TLS between them. */
export interface PlainOptions {
  readonly name: string;
  /** Default nothing. */
  readonly watching?: Watching;
  /** The agent dials the endpoint through a network of node addresses, as in a lab. Default false. */
  readonly nodeNetwork?: boolean;
  /** Both connections of the agent pass links without faults, as in a lab. Default false. */
  readonly linked?: boolean;
  /** The agent link goes through a device without faults, in a process of its own. Default false. */
  readonly middlebox?: boolean;
}

/** The ports of `/metrics` of the server and the agent. */
export type PlainChain = Chain & { readonly healthPorts: readonly number[] };

/** Our server and agent without TLS between them. */
export async function startPlainChain(
  context: Context,
  { name, watching = 'nothing', nodeNetwork = false, linked = false, middlebox = false }: PlainOptions,
): Promise<PlainChain> {
  const { children, folder, nodeFlags, endpoint } = context;
  const flags = [...packetFlags, ...nodeFlags];
  const socket = join(folder, `${name}.sock`);
  const healthPorts = [await freePort(), await freePort()] as const;
  const start = (setup: PlainRoleSetup) =>
    children.worker<never, never, number | undefined>('plain-role', { ...setup }, flags);
  const server = await start({ role: 'server', socket, watching, healthPort: healthPorts[0] });
  const linkPort = await delayed(context, server.hello ?? 0);
  const box = middlebox ? await start({ role: 'middlebox', toPort: linkPort }) : undefined;
  const serverPort = box?.hello ?? linkPort;
  const endpointPort = endpoint.port;
  const healthPort = healthPorts[1];
  const agent = await start({ role: 'agent', serverPort, watching, endpointPort, healthPort, linked });
  const target = { host: nodeNetwork ? nodeAddress : host, port: endpoint.port };
  const way: Way = { kind: 'tunnel', address: `unix://${socket}`, endpoint: target, watching };
  const hops = [server.worker.pid, agent.worker.pid];
  return { ...(await startLoad(context, { name, way, hops })), healthPorts };
}

async function startLoad(
  { children, endpoint, nodeFlags }: Context,
  { name, way, hops }: { name: string; way: Way; hops: readonly number[] },
): Promise<Chain> {
  const setup: LoadSetup = { way, controlPort: endpoint.controlPort };
  const flags = way.kind === 'tunnel' ? nodeFlags : [];
  const start = async (): Promise<Worker<CellRequest | HoldRequest, Sample>> =>
    (await children.worker<CellRequest | HoldRequest, Sample, unknown>('load', { ...setup }, flags)).worker;
  const load = await start();
  let other: ReturnType<typeof start> | undefined;
  const pids = [load.pid, ...hops, endpoint.pid];
  const ask = async (cell: Parameters<Chain['measure']>[0]): Promise<Sample> => {
    const sample = await load.ask({ ...cell, pids });
    const { leftOpen = 0 } = sample;
    if (leftOpen > 0) process.stderr.write(`${name}, ${cell.cell}: ${leftOpen} connections do not end\n`);
    return sample;
  };
  const measure: Chain['measure'] = async (cell) => {
    const { downloadsBeside = 0 } = cell;
    if (downloadsBeside === 0) return ask(cell);
    other ??= start();
    const held = await other;
    await held.ask({ cell: 'hold', connections: downloadsBeside });
    try {
      return await ask(cell);
    } finally {
      await held.ask({ cell: 'hold', connections: 0 });
    }
  };
  return { name, measure };
}
