import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CertificateSet, leafTls, type RoleLeaf } from '../../src/pki/certificate-set.js';
import { packetFlags } from '../../src/wire/carrier/packet-flags.js';
import type { TlsFiles } from '../../src/wire/net/tls.js';
import type { Child, Children, Worker } from './children.js';
import type { DelaySetup } from './delay-relay.js';
import type { CellRequest, LoadSetup, Sample, Way } from './load.js';
import type { PlainRoleSetup } from './plain-role.js';
import type { RelaySetup } from './relay.js';
import { freePort, host, whenReady } from './sockets.js';

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
}

export function ourPrograms(nodeFlags: readonly string[]): Programs {
  const bin = (name: string): string => fileURLToPath(new URL(`../../bin/${name}`, import.meta.url));
  const run = (name: string) => [process.execPath, ...nodeFlags, bin(name)] as const;
  return { name: 'ours', server: [...run('proxy-server')], agent: [...run('proxy-agent')] };
}

export function realPrograms(folder: string): Programs {
  return { name: 'real', server: [join(folder, 'proxy-server')], agent: [join(folder, 'proxy-agent')] };
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
  { name, server }: Programs,
  port?: number,
): Promise<RunningServer> {
  const agentPort = port ?? (await freePort());
  const [healthPort, adminPort] = [await freePort(), await freePort()];
  servers += 1;
  const socket = join(context.folder, `${servers}.sock`);
  const file = (leaf: string): string => join(context.folder, leaf);
  const [program, ...before] = server;
  const child = context.children.program(`${name}'s proxy-server`, program, [
    ...before,
    ...['--mode=grpc', `--uds-name=${socket}`, '--server-port=0', '--server-id=bench', '--server-count=1'],
    ...[`--agent-bind-address=${host}`, `--agent-port=${agentPort}`, '--proxy-strategies=default'],
    ...[`--health-bind-address=${host}`, `--health-port=${healthPort}`],
    ...[`--admin-bind-address=${host}`, `--admin-port=${adminPort}`],
    ...[`--cluster-ca-cert=${file('agent-ca.crt')}`, `--cluster-cert=${file('server.crt')}`],
    `--cluster-key=${file('server.key')}`,
  ]);
  await Promise.race([whenReady(healthPort, '/healthz', 20_000), child.failed]);
  return { child, agentPort, healthPort, address: `unix://${socket}` };
}

async function startAgent(context: Context, { name, agent }: Programs, serverPort: number): Promise<Child> {
  const [healthPort, adminPort] = [await freePort(), await freePort()];
  const file = (leaf: string): string => join(context.folder, leaf);
  const [program, ...before] = agent;
  const child = context.children.program(`${name}'s proxy-agent`, program, [
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
  ]);
  await Promise.race([whenReady(healthPort, '/readyz', 20_000), child.failed]);
  return child;
}

/** A proxy-server and an agent; the client is ours whosever they are. */
export async function startTunnelChain(context: Context, programs: Programs): Promise<Chain> {
  const server = await startServer(context, programs);
  const agent = await startAgent(context, programs, await delayed(context, server.agentPort));
  await Promise.race([whenReady(server.healthPort, '/readyz', 20_000), server.child.failed]);
  const way: Way = { kind: 'tunnel', address: server.address, endpointPort: context.endpoint.port };
  return startLoad(context, { name: programs.name, way, hops: [server.child.pid, agent.pid] });
}

/** Our server and agent without TLS between them. */
export async function startPlainChain(context: Context): Promise<Chain> {
  const { children, folder, nodeFlags, endpoint } = context;
  const flags = [...packetFlags, ...nodeFlags];
  const socket = join(folder, 'plain.sock');
  const start = (setup: PlainRoleSetup) =>
    children.worker<never, never, number | undefined>('plain-role', { ...setup }, flags);
  const server = await start({ role: 'server', socket });
  const serverPort = await delayed(context, server.hello ?? 0);
  const agent = await start({ role: 'agent', serverPort });
  const way: Way = { kind: 'tunnel', address: `unix://${socket}`, endpointPort: endpoint.port };
  return startLoad(context, { name: 'ours-plain', way, hops: [server.worker.pid, agent.worker.pid] });
}

async function startLoad(
  { children, endpoint, nodeFlags }: Context,
  { name, way, hops }: { name: string; way: Way; hops: readonly number[] },
): Promise<Chain> {
  const setup: LoadSetup = { way, controlPort: endpoint.controlPort };
  const flags = way.kind === 'tunnel' ? nodeFlags : [];
  const { worker } = await children.worker<CellRequest, Sample, unknown>('load', { ...setup }, flags);
  const load: Worker<CellRequest, Sample> = worker;
  const pids = [load.pid, ...hops, endpoint.pid];
  return { name, measure: (cell) => load.ask({ ...cell, pids }) };
}
