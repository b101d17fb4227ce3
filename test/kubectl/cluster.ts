import { connect } from 'node:net';
import { type ApiServer, startApiServer } from '../../src/apiserver/api-server.js';
import { renderKubeconfig } from '../../src/apiserver/kubeconfig.js';
import { createObjectStore, type ObjectStore } from '../../src/apiserver/store/object-store.js';
import { type Clock, createRealClock } from '../../src/core/clock.js';
import { TunnelError } from '../../src/core/errors.js';
import type { EventBody } from '../../src/core/events.js';
import { createRandom, type Random } from '../../src/core/random.js';
import { type Kubelet, startKubelet } from '../../src/kubelet-stub/kubelet.js';
import { createSandboxRuntime, type SandboxRuntime } from '../../src/kubelet-stub/runtime/sandbox-runtime.js';
import { createTopology, type NodeSpec, type Topology } from '../../src/lab/topology.js';
import { type Authority, createAuthority } from '../../src/pki/authority.js';
import type { Dialer } from '../../src/wire/dialer.js';

/** The lab's standard cluster without a tunnel: the façade reaches real kubelet stubs by plain TCP. */
export interface TestCluster {
  /** YAML for the cluster's administrator. */
  readonly kubeconfig: string;
  readonly api: ApiServer;
  readonly store: ObjectStore;
  /** What the façade and the kubelets told. */
  readonly events: readonly EventBody[];
  runtime(node: string): SandboxRuntime;
  /** Makes every dial to a node fail with this error, or work again. */
  failDials(node: string, error: TunnelError | undefined): void;
  /** Destroys the open connections to a node's kubelet without a word. */
  cutConnections(node: string): void;
  close(): Promise<void>;
}

interface TestNode {
  readonly kubelet: Kubelet;
  readonly runtime: SandboxRuntime;
}

interface Ground {
  readonly clock: Clock;
  readonly random: Random;
  readonly ca: Authority;
  readonly emit: (event: EventBody) => void;
}

export async function startTestCluster(options: { readonly nodes?: number } = {}): Promise<TestCluster> {
  const events: EventBody[] = [];
  const ground = {
    clock: createRealClock(),
    random: createRandom(1),
    ca: await createAuthority(),
    emit: (event: EventBody) => void events.push(event),
  };
  const topology = createTopology({
    nodes: options.nodes ?? 2,
    random: ground.random,
    nowMs: Date.now(),
    kubernetesVersion: '1.33.1',
  });
  const nodes = await startNodes(ground, topology);
  const network = createNetwork(nodes);
  const store = createObjectStore(topology.objects, ground.clock);
  const { api, kubeconfig } = await startFacade(ground, store, network.dialer);
  return {
    kubeconfig,
    api,
    store,
    events,
    runtime: (node) => lookUp(nodes, node).runtime,
    failDials: network.failDials,
    cutConnections: network.cutConnections,
    async close() {
      await api.close();
      for (const { kubelet, runtime } of nodes.values()) {
        await kubelet.close();
        await runtime.close();
      }
    },
  };
}

async function startNodes(ground: Ground, topology: Topology): Promise<Map<string, TestNode>> {
  const nodes = new Map<string, TestNode>();
  for (const spec of topology.nodes) nodes.set(spec.name, await startNode(ground, spec, topology));
  return nodes;
}

async function startNode({ ca, ...ground }: Ground, spec: NodeSpec, topology: Topology): Promise<TestNode> {
  const { name: nodeName, ip } = spec;
  const pair = await ca.issue({
    commonName: `system:node:${nodeName}`,
    organizations: ['system:nodes'],
    dnsNames: [nodeName],
    ipAddresses: [ip],
    usages: ['server'],
  });
  const pods = topology.objects.pods.filter((pod) => pod.spec.nodeName === nodeName);
  const runtime = createSandboxRuntime({ nodeName, pods, ...ground });
  const tls = { cert: pair.certPem, key: pair.keyPem, clientCa: ca.certPem };
  return { runtime, kubelet: await startKubelet({ nodeName, tls, runtime, ...ground }) };
}

async function startFacade(
  { ca, clock, emit }: Ground,
  store: ObjectStore,
  dialer: Dialer,
): Promise<{ api: ApiServer; kubeconfig: string }> {
  const [serving, kubeletClient, admin] = await Promise.all([
    ca.issue({ commonName: 'kube-apiserver', usages: ['server'] }),
    ca.issue({ commonName: 'kube-apiserver-kubelet-client', usages: ['client'] }),
    ca.issue({ commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['client'] }),
  ]);
  const api = await startApiServer({
    tls: { cert: serving.certPem, key: serving.keyPem, clientCa: ca.certPem },
    kubeletTls: { ca: ca.certPem, cert: kubeletClient.certPem, key: kubeletClient.keyPem },
    store,
    dialer,
    clock,
    emit,
  });
  const common = { name: 'lab', server: api.url, caPem: ca.certPem };
  return { api, kubeconfig: renderKubeconfig({ ...common, credential: admin }) };
}

interface Network extends Pick<TestCluster, 'failDials' | 'cutConnections'> {
  readonly dialer: Dialer;
}

/** Reaches nodes by name, as the API objects name them first. */
function createNetwork(nodes: ReadonlyMap<string, TestNode>): Network {
  const failures = new Map<string, TunnelError>();
  const open = new Map<string, Set<ReturnType<typeof connect>>>();
  const dialer: Dialer = {
    dial(host) {
      const failure = failures.get(host);
      if (failure !== undefined) return Promise.reject(failure);
      const socket = connect(lookUp(nodes, host).kubelet.address);
      const sockets = open.get(host) ?? new Set();
      open.set(host, sockets.add(socket));
      socket.once('close', () => sockets.delete(socket));
      return new Promise((resolve, reject) => {
        socket.on('error', (error) => reject(new TunnelError('DIAL_FAILED', error.message)));
        socket.once('connect', () => resolve(socket));
      });
    },
  };
  return {
    dialer,
    failDials(node, error) {
      if (error === undefined) failures.delete(node);
      else failures.set(node, error);
    },
    cutConnections(node) {
      for (const socket of open.get(node) ?? []) socket.destroy();
    },
  };
}

function lookUp(nodes: ReadonlyMap<string, TestNode>, name: string): TestNode {
  const found = nodes.get(name);
  if (found === undefined) throw new Error(`no node ${name}`);
  return found;
}
