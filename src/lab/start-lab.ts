import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { createObjectStore, type ObjectStore } from '../apiserver/store/object-store.js';
import { defaultVersion } from '../apiserver/version.js';
import { createRealClock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import { createRandom } from '../core/random.js';
import { createNodeNetwork } from '../links/node-network.js';
import { createJournal } from '../observe/journal.js';
import { createCertificateSet } from '../pki/certificate-set.js';
import { defaultStrategies } from '../server/options.js';
import { TunnelClient } from '../wire/tunnel-client.js';
import { ClusterClient } from './cluster-client.js';
import { Lab, type LabInsides, type LabParts, stopAll } from './lab.js';
import type { LabOptions } from './options.js';
import type { LabPart } from './part.js';
import { agentPart, apiServerPart, kubeletPart, type LabGround, serverPart, tlsOf } from './parts.js';
import { createTopology, type NodeSpec, type Topology } from './topology.js';
import { createWorkFolder, type WorkFolder } from './work-folder.js';

/**
 * Starts a lab and waits until every agent is connected. Rejects with CONFIG_INVALID, ADDRESS_IN_USE or NOT_READY, and
 * then leaves nothing behind.
 */
export async function startLab(options: LabOptions = {}): Promise<Lab> {
  return startLabIn(await createWorkFolder(), options);
}

/** As `startLab`, with its sockets in a folder that the caller knows. The lab removes it at its end. */
export async function startLabIn(folder: WorkFolder, options: LabOptions): Promise<Lab> {
  const insides = await build(options, folder).catch(async (error: unknown) => {
    await folder.remove();
    throw error;
  });
  try {
    await startParts(insides);
    await allAgentsConnected(insides, options);
  } catch (error) {
    await stopAll(insides);
    throw error;
  }
  insides.journal.emit({ kind: 'lab.ready', node: 'lab/lab', text: `seed ${insides.seed}` });
  return new Lab(insides);
}

async function build(options: LabOptions, folder: WorkFolder): Promise<LabInsides> {
  const seed = options.seed ?? randomInt(2 ** 32);
  const random = createRandom(seed);
  const clock = createRealClock(options.timeScale ?? 1);
  const version = options.kubernetesVersion ?? defaultVersion;
  const topology = createTopology({
    nodes: options.nodes ?? 2,
    random,
    nowMs: Date.now(),
    kubernetesVersion: version,
  });
  const journal = createJournal({ clock, capacity: options.journalCapacity ?? 20_000 });
  if (options.onEvent !== undefined) journal.subscribe(options.onEvent);
  const certificates = await createCertificateSet({ nodes: topology.nodes.map(kubeletSubject) });
  const network = createNodeNetwork({ clock });
  const ground: LabGround = {
    clock,
    random,
    emit: journal.emit,
    certificates,
    network,
    behaviours: options.behaviours ?? [],
    faithful: options.faithful ?? [],
    runtime: options.runtime ?? 'sandbox',
    folder: folder.path,
  };
  const store = createObjectStore(topology.objects, clock);
  return {
    seed,
    ground,
    topology,
    journal,
    folder,
    store,
    ...assemble(options, ground, { topology, folder, store, version }),
  };
}

function kubeletSubject({ name, ip }: NodeSpec): { name: string; ipAddresses: string[] } {
  return { name, ipAddresses: [ip] };
}

interface Stock {
  readonly topology: Topology;
  readonly folder: WorkFolder;
  readonly store: ObjectStore;
  readonly version: string;
}

function assemble(
  options: LabOptions,
  ground: LabGround,
  { topology, folder, store, version }: Stock,
): Pick<LabInsides, 'parts' | 'clients'> {
  const { strategies = defaultStrategies } = options;
  const socketPath = join(folder.path, 'server-1.sock');
  const server = serverPart(ground, { socketPath, agentPort: options.agentPort ?? 0, strategies });
  const client = (name: string): TunnelClient =>
    new TunnelClient({ ...ground, address: `unix://${socketPath}`, name, serverName: 'server/server-1' });
  const apiserver = client('apiserver/main');
  const lab = client('client/lab');
  const { nodes } = topology;
  const parts: LabParts = {
    server,
    kubelets: nodes.map((node) => kubeletPart(ground, node, podsOf(topology, node))),
    agents: nodes.map((node) => agentPart(ground, node, server)),
    apiserver: apiServerPart(ground, { store, dialer: apiserver, port: options.apiPort ?? 0, version }),
  };
  return { parts, clients: { apiserver, lab, cluster: clusterClient(ground, topology, lab) } };
}

function podsOf({ objects }: Topology, node: NodeSpec): Topology['objects']['pods'] {
  return objects.pods.filter((pod) => pod.spec.nodeName === node.name);
}

function clusterClient(ground: LabGround, { nodes, objects }: Topology, dialer: TunnelClient): ClusterClient {
  const places = objects.pods.map(({ metadata, spec }) => ({
    namespace: metadata.namespace,
    name: metadata.name,
    node: spec.nodeName,
    containers: spec.containers.map(({ name }) => name),
  }));
  return new ClusterClient({
    name: 'client/lab',
    dialer,
    kubeletTls: tlsOf(ground, ground.certificates.leaves['apiserver-kubelet-client']),
    nodes: () => nodes,
    pods: () => places,
    clock: ground.clock,
    emit: ground.emit,
  });
}

async function startParts({ parts, topology, ground }: LabInsides): Promise<void> {
  for (const { name, ip } of topology.nodes) ground.network.addName(name, ip);
  await startAll([parts.server.part, parts.apiserver, ...parts.kubelets]);
  await startAll(parts.agents);
}

/** Waits for all, also when one fails: what is still starting could not be stopped. */
async function startAll(parts: readonly LabPart[]): Promise<void> {
  const ends = await Promise.allSettled(parts.map((part) => part.start()));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

async function allAgentsConnected({ journal, topology }: LabInsides, options: LabOptions): Promise<void> {
  const { readyTimeoutMs: timeoutMs = 10_000, timeScale = 1 } = options;
  // The bound is real time, the journal's is the lab's.
  const withinMs = timeoutMs * timeScale;
  const connected = topology.nodes.map(({ name }) =>
    journal.waitFor({ kind: 'backend.connected', peer: `agent/${name}` }, { withinMs }),
  );
  try {
    await Promise.all(connected);
  } catch (error) {
    throw new TunnelError('NOT_READY', `the lab was not ready in ${timeoutMs} ms`, { cause: error });
  }
}
