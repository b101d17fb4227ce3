import { randomInt } from 'node:crypto';
import { agentDefaults } from '../agent/options.js';
import { createTokenKeys } from '../apiserver/auth/service-account-tokens.js';
import { GrpcDialer } from '../apiserver/egress/grpc-dialer.js';
import { coreResource } from '../apiserver/resources/catalogue.js';
import { defaultVersion } from '../apiserver/serving/version.js';
import { createObjectStore, type LocalStore } from '../apiserver/store/object-store.js';
import { type Clock, ScaledClock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import type { LabEvent } from '../core/events.js';
import { faithfulSet, hasFlowControl } from '../core/faithful.js';
import { createRandom } from '../core/random.js';
import { Turns } from '../core/turns.js';
import { createWallClock } from '../core/wall-clock.js';
import type { Pod } from '../kube/pod-objects.js';
import { Links } from '../links/links.js';
import { createNodeNetwork } from '../links/node-network.js';
import { createJournal, type Journal } from '../observe/journal.js';
import { openRecorder, type Recorder } from '../observe/recorder.js';
import { createCertificateSet, leafRequest, leafTls } from '../pki/certificate-set.js';
import { defaultKeepaliveTimeMs, defaultStrategies } from '../server/options.js';
import { TunnelClient } from '../wire/client/tunnel-client.js';
import { LabAgentTokens } from './agent-tokens.js';
import { ClusterClient, type PodPlace } from './cluster-client.js';
import { connectionsOn } from './connections.js';
import { createNames, labEdges } from './edges.js';
import { KubeletApi } from './kubelet-api.js';
import { type KubeletPartOptions, kubeletPart } from './kubelet-part.js';
import { Lab } from './lab.js';
import { type LabInsides, type LabParts, stopAll } from './lab-insides.js';
import type { LabOptions } from './options.js';
import type { LabPart } from './part.js';
import { agentPart, apiServerPart, type LabContext } from './parts.js';
import { Replicas } from './replicas.js';
import { kubernetesServiceIp, publishKubernetesService } from './replicas-service.js';
import { Servers } from './servers.js';
import { createTopology, type NodeSpec, type Topology } from './topology.js';
import { createWorkFolder, type WorkFolder } from './work-folder.js';

/**
 * Starts a lab and waits until every agent is connected. Without options: two nodes, one proxy-server, one API façade,
 * free ports. Rejects with CONFIG_INVALID, ADDRESS_IN_USE, TOO_MANY_OPEN_FILES, FILE_UNWRITABLE or NOT_READY, and then
 * leaves nothing behind.
 */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  return startLabIn(await createWorkFolder(), options);
}

/** As `startLab`, with the sockets of the lab in `folder`, which the lab removes when it stops. */
export async function startLabIn(folder: WorkFolder, options: LabOptions): Promise<Lab> {
  const insides = await build(options, folder).catch(async (error: unknown) => {
    await folder.remove();
    throw error;
  });
  try {
    await startParts(insides, options);
  } catch (error) {
    await stopAll(insides);
    throw error;
  }
  // All pods run by now, so that the kubelets' first calls to the API delay no start.
  insides.api.tell(insides.parts.apiservers.kubeletUrl);
  insides.journal.emit({ kind: 'lab.ready', node: 'lab/lab', text: `seed ${insides.seed}` });
  const lab = new Lab(insides);
  if (options.controller === true) await lab.watch('pods').synced;
  return lab;
}

/** Faults have a random source of their own, so that they change no other choice. */
const faultSeed = 0x9e3779b9;

async function build(options: LabOptions, folder: WorkFolder): Promise<LabInsides> {
  const seed = options.seed ?? randomInt(2 ** 32);
  const random = createRandom(seed);
  const clock = new ScaledClock(options.timeScale ?? 1);
  const now = createWallClock(clock);
  const version = options.kubernetesVersion ?? defaultVersion;
  const topology = createTopology({
    nodes: options.nodes ?? 2,
    random,
    nowMs: Date.now(),
    kubernetesVersion: version,
  });
  const startedAtMs = Date.now();
  const journal = createJournal({ clock, capacity: options.journalCapacity ?? 20_000 });
  if (options.onEvent !== undefined) journal.subscribe(options.onEvent);
  const names = {
    nodes: topology.nodes.map(({ name, ip }) => ({ name, ipAddresses: [ip] })),
    ipAddresses: [kubernetesServiceIp],
  };
  const certificates = await createCertificateSet(names);
  const network = createNodeNetwork({ clock });
  const store = createObjectStore(topology.objects, clock);
  const links = new Links({
    ...{ node: 'lab/lab', clock, random: createRandom(seed ^ faultSeed), emit: journal.emit },
    edges: () => labEdges(assembled.parts, store),
    carried: (edge) => connectionsOn({ ...assembled, context }, edge),
  });
  journal.subscribe((event) => links.faults.see(event));
  const context: LabContext = {
    clock,
    now,
    random,
    emit: journal.emit,
    certificates,
    requests: (leaf) => leafRequest(names, leaf),
    agentTls: leafTls(certificates, 'agent'),
    agentTokens:
      options.agentTokens === true ? new LabAgentTokens({ store, certificates, clock, now }) : undefined,
    agentTurns: new Turns(maxConnecting),
    network,
    links,
    nameOf: createNames(topology, store),
    keepalive: {
      agentsMs: agentDefaults.keepaliveTimeMs,
      serversMs: defaultKeepaliveTimeMs,
      ...options.keepalive,
    },
    behaviours: options.behaviours ?? [],
    kubelet: options.kubelet ?? {},
    behaviour: { as: options.as ?? 'real', faithful: options.faithful ?? [] },
    runtime: options.runtime ?? 'sandbox',
    folder: folder.path,
  };
  const assembled = assemble(options, context, { topology, store, version });
  const recorder = record(options, journal, { seed, clock, startedAtMs });
  return { seed, startedAtMs, options, context, topology, journal, recorder, folder, store, ...assembled };
}

function record(
  { record: path }: LabOptions,
  journal: Journal,
  about: { readonly seed: number; readonly clock: Clock; readonly startedAtMs: number },
): Recorder | undefined {
  if (path === undefined) return undefined;
  const recorder = openRecorder({ path, ...about });
  journal.subscribe(recorder.write);
  return recorder;
}

interface Stock {
  readonly topology: Topology;
  readonly store: LocalStore;
  readonly version: string;
}

function assemble(
  options: LabOptions,
  context: LabContext,
  { topology, store, version }: Stock,
): Pick<LabInsides, 'api' | 'parts' | 'clients'> {
  const { strategies = defaultStrategies } = options;
  const { servers: count = 1, serverCount: announced = count, agentPort = 0, balance = 'spread' } = options;
  const servers = new Servers({ context, count, announced, agentPort, strategies, balance });
  const faithful = faithfulSet(context.behaviour);
  const flowControl = hasFlowControl(context.behaviour);
  const client = (name: string, replica: number): GrpcDialer =>
    new GrpcDialer({ ...context, ...servers.beside(replica, name), name, faithful, flowControl });
  const name = 'client/lab';
  const lab = new TunnelClient({ ...context, ...servers.beside(1, name), name, flowControl });
  const { nodes } = topology;
  const api = new KubeletApi(context, nodes[0]?.name ?? '');
  const parts: LabParts = {
    servers,
    kubelets: nodes.map((spec, index) =>
      kubeletPart(context, { ...nodeObjects(topology, spec, index), api }),
    ),
    agents: nodes.map((node) => agentPart(context, node, servers)),
    apiservers: replicas(options, context, { store, version, client }),
  };
  return {
    api,
    parts,
    clients: { lab, cluster: clusterClient(context, topology, { store, dialer: lab }) },
  };
}

interface ReplicaNeeds {
  readonly store: LocalStore;
  readonly version: string;
  readonly client: (name: string, replica: number) => GrpcDialer;
}

/** They listen on free ports, behind one address with `apiPort`. */
function replicas(
  { apiservers: count, apiPort = 0 }: LabOptions,
  context: LabContext,
  { store, version, client }: ReplicaNeeds,
): Replicas {
  const own = { tokenKeys: context.agentTokens?.keys ?? createTokenKeys(), store, version };
  return new Replicas({
    context,
    store,
    count,
    port: apiPort,
    client,
    makePart: (name, dialer) =>
      apiServerPart(context, { ...own, name, dialer, port: 0, controllers: count === undefined }),
  });
}

function nodeObjects({ objects }: Topology, spec: NodeSpec, index: number): Omit<KubeletPartOptions, 'api'> {
  const node = objects.nodes[index];
  if (node === undefined) throw new TunnelError('INTERNAL', `there is no object of ${spec.name}`);
  return { spec, node, pods: objects.pods.filter((pod) => pod.spec.nodeName === spec.name) };
}

interface ClusterContext {
  readonly store: LocalStore;
  readonly dialer: TunnelClient;
}

/** The pods of the cluster now, also those that kubectl created. */
function placesOf(store: LocalStore): readonly PodPlace[] {
  const pods = store.list(coreResource('pods')) as readonly Pod[];
  const placed = pods.filter(({ spec }) => (spec.nodeName ?? '') !== '');
  return placed.map(({ metadata, spec }) => ({
    namespace: metadata.namespace,
    name: metadata.name,
    node: spec.nodeName,
    containers: [...spec.containers, ...(spec.ephemeralContainers ?? [])].map(({ name }) => name),
  }));
}

function clusterClient(
  context: LabContext,
  { nodes }: Topology,
  { store, dialer }: ClusterContext,
): ClusterClient {
  return new ClusterClient({
    name: 'client/lab',
    dialer,
    kubeletTls: leafTls(context.certificates, 'apiserver-kubelet-client'),
    nodes: () => nodes,
    pods: () => placesOf(store),
    clock: context.clock,
    emit: context.emit,
  });
}

async function startParts(insides: LabInsides, options: LabOptions): Promise<void> {
  const { parts, topology, context, store } = insides;
  for (const { name, ip } of topology.nodes) context.network.addName(name, ip);
  await startAll([parts.servers, parts.apiservers, ...parts.kubelets]);
  const { hostname: host, port } = new URL(parts.apiservers.url);
  const place = { host, port: Number(port) };
  context.agentTokens?.tell(parts.apiservers.url);
  const [first] = topology.objects.nodes;
  publishKubernetesService(store, place, first?.metadata.creationTimestamp ?? '');
  // kube-proxy routes this address on every node.
  context.network.register(kubernetesServiceIp, 443, place);
  const connected = allAgentsConnected(insides, options);
  connected.catch(() => undefined);
  await startAll(parts.agents);
  await connected;
}

/** How many agents connect at once. */
const maxConnecting = 32;

/** Waits for all, also when one fails, because a part that is still starting cannot be stopped. */
async function startAll(parts: readonly Pick<LabPart, 'start'>[]): Promise<void> {
  const ends = await Promise.allSettled(parts.map((part) => part.start()));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** One wait for all: a wait for each agent would compare each event with all of them. */
async function allAgentsConnected(
  { journal, topology, parts: { servers } }: LabInsides,
  { readyTimeoutMs, timeScale = 1 }: LabOptions,
): Promise<void> {
  const timeoutMs = readyTimeoutMs ?? 10_000 + 50 * Math.max(0, topology.nodes.length - 200);
  // When the servers announce a smaller number than there are, the agents' choice is random.
  const ends = servers.isWhole ? servers.names : [''];
  const missing = new Set(topology.nodes.flatMap(({ name }) => ends.map((end) => `agent/${name} ${end}`)));
  const isLast = (event: LabEvent): boolean => {
    if (event.kind !== 'backend.connected') return false;
    missing.delete(`${event.peer} ${servers.isWhole ? event.node : ''}`);
    return missing.size === 0;
  };
  try {
    // `readyTimeoutMs` is real time; the journal waits in lab time.
    await journal.waitFor(isLast, { withinMs: timeoutMs * timeScale });
  } catch (error) {
    throw new TunnelError('NOT_READY', `the lab was not ready in ${timeoutMs} ms`, { cause: error });
  }
}
