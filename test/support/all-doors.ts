import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApiServer } from '../../src/apiserver/api-server.js';
import { startStoreServer } from '../../src/apiserver/controllers/store-server.js';
import { createObjectStore, MemoryStore } from '../../src/apiserver/store/object-store.js';
import { StoreRuns } from '../../src/apiserver/store/remote/store-runs.js';
import { startObserveService } from '../../src/cli/admin/observe-service.js';
import type { Clock } from '../../src/core/clock.js';
import type { EventSink } from '../../src/core/events.js';
import { createRandom } from '../../src/core/random.js';
import { startAgentAdmin } from '../../src/dropin/admin-server.js';
import { startKubelet } from '../../src/kubelet-stub/kubelet.js';
import { createJournal } from '../../src/observe/journal.js';
import { type CertificateSet, leafTls, type RoleLeaf } from '../../src/pki/certificate-set.js';
import type { KeyPair } from '../../src/pki/key-pair.js';
import type { FrontendEndpoint } from '../../src/server/options.js';
import { type ProxyServer, startProxyServer } from '../../src/server/server.js';
import type { TlsFiles } from '../../src/wire/net/tls.js';
import { ScriptedRuntime } from '../unit/kubelet-stub/scripted-runtime.js';

const host = '127.0.0.1';

export type DoorTarget = { readonly host: string; readonly port: number } | { readonly path: string };

/** One way into the product: a port, and a protocol that is spoken there. */
export interface Door {
  readonly name: string;
  readonly to: DoorTarget;
  readonly protocol: 'http1' | 'h2';
  /** Absent where there is no TLS. */
  readonly tls?: {
    /** What its clients show and believe. */
    readonly client: TlsFiles;
    /** Whether the handshake already ends without a certificate. */
    readonly demanding: boolean;
  };
  /** What only a client with a certificate gets: a path, or a gRPC method. */
  readonly secret: string;
}

export interface AllDoors {
  readonly doors: readonly Door[];
  readonly server: ProxyServer;
  close(): Promise<void>;
}

export interface DoorsOptions {
  readonly certificates: CertificateSet;
  readonly clock: Clock;
  readonly emit?: EventSink;
}

interface Opened {
  readonly doors: Door[];
  readonly stops: (() => Promise<unknown>)[];
}

/** Opens every kind of port that the product has, on loopback. */
export async function openAllDoors(options: DoorsOptions): Promise<AllDoors> {
  const folder = await mkdtemp(join(tmpdir(), 'ks-'));
  const opened: Opened = { doors: [], stops: [() => rm(folder, { recursive: true, force: true })] };
  await openKubelet(options, opened);
  await openFacade(options, opened);
  const server = await openServer(options, opened, folder);
  await openConnect(options, opened, folder);
  await openOthers(options, opened, folder);
  const close = async (): Promise<void> => {
    for (const stop of opened.stops.toReversed()) await stop();
  };
  return { doors: opened.doors, server, close };
}

export function filesOf(set: CertificateSet, leaf: RoleLeaf | KeyPair): TlsFiles {
  if (typeof leaf === 'string') return leafTls(set, leaf);
  return { ca: set.ca.certPem, cert: leaf.certPem, key: leaf.keyPem };
}

/** `host:port` and `unix://PATH` as a target. */
function target(address: string): DoorTarget {
  if (address.startsWith('unix://')) return { path: address.slice('unix://'.length) };
  return { host, port: Number(address.split(':').at(-1)) };
}

const ignore: EventSink = () => undefined;

async function openKubelet(
  { certificates, clock, emit = ignore }: DoorsOptions,
  { doors, stops }: Opened,
): Promise<void> {
  const { ca, ...serving } = filesOf(certificates, 'apiserver');
  const tls = { ...serving, clientCa: ca };
  const kubelet = await startKubelet({
    ...{ nodeName: 'node-1', tls, runtime: new ScriptedRuntime(), clock, emit },
  });
  stops.push(() => kubelet.close());
  const client = filesOf(certificates, 'apiserver-kubelet-client');
  const same = { to: kubelet.address, tls: { client, demanding: false } };
  doors.push({ ...same, name: 'kubelet, HTTP', protocol: 'http1', secret: '/pods' });
  doors.push({
    ...{ ...same, name: 'kubelet, gRPC', protocol: 'h2', secret: '/konnsim.kubelet.v1.Kubelet/ListPods' },
  });
}

async function openFacade(
  { certificates, clock, emit = ignore }: DoorsOptions,
  { doors, stops }: Opened,
): Promise<void> {
  const { ca, ...serving } = filesOf(certificates, 'apiserver');
  const api = await startApiServer({
    tls: { ...serving, clientCa: ca },
    kubeletTls: filesOf(certificates, 'apiserver-kubelet-client'),
    store: createObjectStore({}, clock),
    ...{ clock, emit },
  });
  stops.push(() => api.close());
  const client = filesOf(certificates, 'admin');
  const same = { to: target(api.address), tls: { client, demanding: false }, secret: '/api/v1/pods' };
  doors.push({ ...same, name: 'façade, HTTP/1.1', protocol: 'http1' });
  doors.push({ ...same, name: 'façade, HTTP/2', protocol: 'h2' });
}

async function startServer(
  { certificates, clock, emit = ignore }: DoorsOptions,
  frontends: readonly FrontendEndpoint[],
): Promise<ProxyServer> {
  return startProxyServer({
    ...{ name: 'server-1', serverId: 'server-1', serverCount: 1, frontends, clock, emit },
    agents: { kind: 'tcp', host, port: 0, tls: filesOf(certificates, 'server') },
    health: { host, port: 0 },
    strategies: ['default'],
    ...{ backendDialTimeoutMs: 20_000, keepaliveTimeMs: 30_000, random: createRandom(1) },
  });
}

async function openServer(options: DoorsOptions, { doors, stops }: Opened, folder: string) {
  const { certificates } = options;
  const server = await startServer(options, [
    { kind: 'unix', path: join(folder, 'grpc') },
    { kind: 'tcp', host, port: 0, tls: filesOf(certificates, 'server-frontend') },
  ]);
  stops.push(() => server.stop());
  const [unix = '', tcp = ''] = server.frontendAddresses;
  const agent = { client: filesOf(certificates, 'agent'), demanding: true };
  const tls = { client: filesOf(certificates, 'frontend-client'), demanding: true };
  const secret = '/ProxyService/Proxy';
  doors.push(
    { name: 'agents', to: target(server.agentAddress), protocol: 'h2', tls: agent, secret: '/none' },
    { name: 'frontends, gRPC over TCP', to: target(tcp), protocol: 'h2', tls, secret },
    { name: 'frontends, gRPC over a Unix socket', to: target(unix), protocol: 'h2', secret },
    { name: 'health', to: target(server.healthAddress), protocol: 'http1', secret: '/healthz' },
  );
  return server;
}

async function openConnect(options: DoorsOptions, { doors, stops }: Opened, folder: string): Promise<void> {
  const files = filesOf(options.certificates, 'server-frontend');
  const server = await startServer(options, [
    { kind: 'unix', path: join(folder, 'connect'), protocol: 'http-connect' },
    { kind: 'tcp', host, port: 0, tls: files, protocol: 'http-connect' },
  ]);
  stops.push(() => server.stop());
  const [unix = '', tcp = ''] = server.frontendAddresses;
  const tls = { client: filesOf(options.certificates, 'frontend-client'), demanding: true };
  doors.push(
    { name: 'frontends, CONNECT over TCP', to: target(tcp), protocol: 'http1', tls, secret: '/' },
    { name: 'frontends, CONNECT over a Unix socket', to: target(unix), protocol: 'http1', secret: '/' },
  );
}

async function openOthers(
  { certificates, clock, emit = ignore }: DoorsOptions,
  { doors, stops }: Opened,
  folder: string,
): Promise<void> {
  const store = new MemoryStore(clock);
  store.fill({});
  const stored = await startStoreServer({
    ...{ host, port: 0, tls: filesOf(certificates, 'store'), store, clock, emit, random: createRandom(1) },
    clients: ['kube-apiserver-store-client'],
    runs: new StoreRuns([], store.revision),
  });
  const journal = createJournal({ clock });
  const watched = {
    source: journal,
    clock,
    wallNowMs: () => 0,
    wallMsAt: () => 0,
    run: 'one',
    where: 'admin',
  };
  const files = filesOf(certificates, 'observe');
  const observe = await startObserveService({
    ...{ ...watched, endpoint: { kind: 'tcp', host, port: 0, tls: files } },
  });
  const local = await startObserveService({
    ...{ ...watched, endpoint: { kind: 'unix', path: join(folder, 'observe') } },
  });
  const admin = await startAgentAdmin({ host, port: 0, clock }, 8093);
  stops.push(...[stored, observe, local, admin].map((each) => () => each.close()));
  const tls = (leaf: RoleLeaf) => ({ client: filesOf(certificates, leaf), demanding: true });
  const secret = '/konnsim.observe.v1.Observe/ReadClock';
  doors.push(
    {
      ...{ name: 'store', to: target(stored.address), protocol: 'h2', tls: tls('apiserver-store-client') },
      secret: '/konnsim.store.v1.Store/ReadRevision',
    },
    { name: 'observe', to: target(observe.address), protocol: 'h2', tls: tls('observer'), secret },
    { name: 'observe over a Unix socket', to: target(local.address), protocol: 'h2', secret },
    { name: 'admin', to: { host, port: admin.port }, protocol: 'http1', secret: '/metrics' },
  );
}
