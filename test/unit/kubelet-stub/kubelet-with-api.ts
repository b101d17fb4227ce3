import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { NodeRuntime } from '../../../src/containers/runtime.js';
import { createSandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import type { EventBody } from '../../../src/core/events.js';
import { createRandom } from '../../../src/core/random.js';
import { KubeClient } from '../../../src/kube/kube-client.js';
import type { Container, Node, Pod } from '../../../src/kube/pod-objects.js';
import { type PodSource, startPodSource } from '../../../src/kubelet-stub/pod-source/pod-source.js';
import { type Credentials, makeCredentials, startTestApi, type TestApi } from '../apiserver/fixture.js';
import { clock } from './bench.js';
import { startProcesses } from './process-support.js';

export const pods = { resource: { group: '', version: 'v1', plural: 'pods' }, namespace: 'default' } as const;
export const nodes = { resource: { group: '', version: 'v1', plural: 'nodes' } } as const;

export const node: Node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-1', uid: '', creationTimestamp: '' },
  spec: { podCIDR: '10.244.7.0/24' },
  status: {
    addresses: [{ type: 'InternalIP', address: '10.0.1.11' }],
    daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
    conditions: [],
    nodeInfo: {},
    capacity: { pods: '110' },
    allocatable: { pods: '110' },
  },
};

export const manifest = (name: string, container: Partial<Container>, spec: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'any', ...container }], ...spec },
});

/** A kubelet and an API for each test; what a test starts is closed after it. */
class KubeletBench {
  readonly events: EventBody[] = [];
  admin!: KubeClient;
  kubelet!: KubeClient;
  runtime!: NodeRuntime;
  source!: PodSource;

  readonly start = (runtime: NodeRuntime): void => {
    this.runtime = runtime;
    const emit = (event: EventBody): void => void this.events.push(event);
    const common = { clock, random: createRandom(1), emit, now: () => Date.now() };
    this.source = startPodSource({ client: this.kubelet, runtime, node, ...common });
  };

  readonly pod = (name: string): Promise<Pod> => this.admin.get<Pod>({ ...pods, name });
  readonly phase = async (name: string): Promise<string> => (await this.pod(name)).status.phase;
  readonly sandbox = (): NodeRuntime =>
    createSandboxRuntime({
      nodeName: 'node-1',
      pods: [],
      clock,
      random: createRandom(2),
      emit: () => undefined,
    });
  readonly processes = (): Promise<NodeRuntime> => startProcesses(manifest('none', {}) as Pod, { pods: [] });
}

export function useKubelet(): KubeletBench {
  const bench = new KubeletBench();
  let credentials: Credentials;
  let api: TestApi;

  const clientOf = (pair: { certPem: string; keyPem: string }): KubeClient => {
    const tls = { ca: credentials.ca.certPem, cert: pair.certPem, key: pair.keyPem };
    const access = { server: new URL(api.api.url), tls: () => tls, headers: () => ({}) };
    return new KubeClient({ access, clock, limit: { qps: -1, burst: 0 } });
  };

  beforeAll(async () => {
    credentials = await makeCredentials();
  });
  beforeEach(async () => {
    bench.events.length = 0;
    api = await startTestApi(credentials);
    bench.admin = clientOf(credentials.admin);
    const pair = await credentials.ca.issue({
      commonName: 'system:node:node-1',
      organizations: ['system:nodes'],
      usages: ['client'],
    });
    bench.kubelet = clientOf(pair);
  });
  afterEach(async () => {
    await bench.source.close();
    await bench.runtime.close();
    await Promise.all([bench.kubelet.close(), bench.admin.close()]);
    await api.close();
  });
  afterAll(() => expect(bench.events.filter(({ kind }) => kind === 'request.failed')).toEqual([]));
  return bench;
}
