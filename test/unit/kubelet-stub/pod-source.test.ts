import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NodeRuntime } from '../../../src/containers/runtime.js';
import { createSandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import type { EventBody } from '../../../src/core/events.js';
import { createRandom } from '../../../src/core/random.js';
import { KubeClient } from '../../../src/kube/kube-client.js';
import { isLeaseValid, type Lease, leases } from '../../../src/kube/lease.js';
import type { Container, Node, Pod } from '../../../src/kube/pod-objects.js';
import { PodAddresses } from '../../../src/kubelet-stub/pod-source/pod-addresses.js';
import { type PodSource, startPodSource } from '../../../src/kubelet-stub/pod-source/pod-source.js';
import { toRun } from '../../../src/kubelet-stub/pod-source/pod-status.js';
import { type Credentials, makeCredentials, startTestApi, type TestApi } from '../apiserver/fixture.js';
import { collect } from '../containers/support.js';
import { clock } from './bench.js';
import { startProcesses } from './process-support.js';

const pods = { resource: { group: '', version: 'v1', plural: 'pods' }, namespace: 'default' } as const;
const nodes = { resource: { group: '', version: 'v1', plural: 'nodes' } } as const;

const node: Node = {
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

const manifest = (name: string, container: Partial<Container>, spec: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'any', ...container }], ...spec },
});

const place = { hostIP: '10.0.1.11', podIP: '10.244.7.99', now: '2026-01-01T00:00:00Z' };

describe('a kubelet that takes its pods from the API', () => {
  let credentials: Credentials;
  let api: TestApi;
  let admin: KubeClient;
  let kubelet: KubeClient;
  let runtime: NodeRuntime;
  let source: PodSource;
  const events: EventBody[] = [];

  const clientOf = (pair: { certPem: string; keyPem: string }): KubeClient => {
    const tls = { ca: credentials.ca.certPem, cert: pair.certPem, key: pair.keyPem };
    const access = { server: new URL(api.api.url), tls: () => tls, headers: () => ({}) };
    return new KubeClient({ access, clock, limit: { qps: -1, burst: 0 } });
  };
  const start = (with_: NodeRuntime): void => {
    runtime = with_;
    const emit = (event: EventBody): void => void events.push(event);
    const common = { clock, random: createRandom(1), emit, now: () => Date.now() };
    source = startPodSource({ client: kubelet, runtime, node, ...common });
  };
  const pod = (name: string): Promise<Pod> => admin.get<Pod>({ ...pods, name });
  const phase = async (name: string): Promise<string> => (await pod(name)).status.phase;

  beforeAll(async () => {
    credentials = await makeCredentials();
  });
  beforeEach(async () => {
    events.length = 0;
    api = await startTestApi(credentials);
    admin = clientOf(credentials.admin);
    const pair = await credentials.ca.issue({
      commonName: 'system:node:node-1',
      organizations: ['system:nodes'],
      usages: ['client'],
    });
    kubelet = clientOf(pair);
  });
  afterEach(async () => {
    await source.close();
    await runtime.close();
    await Promise.all([kubelet.close(), admin.close()]);
    await api.close();
  });
  afterAll(() => expect(events.filter(({ kind }) => kind === 'request.failed')).toEqual([]));

  const sandbox = (): NodeRuntime =>
    createSandboxRuntime({
      nodeName: 'node-1',
      pods: [],
      clock,
      random: createRandom(2),
      emit: () => undefined,
    });
  const processes = (): Promise<NodeRuntime> => startProcesses(manifest('none', {}) as Pod, { pods: [] });

  it('registers its node as ready, with a valid lease', async () => {
    start(sandbox());
    await source.ready;
    const found = await admin.get<Node & { metadata: { uid: string } }>({ ...nodes, name: 'node-1' });
    expect(found.status.conditions).toMatchObject([
      { type: 'Ready', status: 'True', reason: 'KubeletReady' },
    ]);
    expect(found.status.addresses).toEqual(node.status.addresses);
    const lease = await admin.get<Lease>({ resource: leases, namespace: 'kube-node-lease', name: 'node-1' });
    expect(lease.spec).toMatchObject({ holderIdentity: 'node-1', leaseDurationSeconds: 40 });
    expect(isLeaseValid(lease, Date.now())).toBe(true);
  });

  it('reports a node that seemed lost as ready again', async () => {
    await admin.create(nodes, node);
    const unknown = { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown' };
    const target = { ...nodes, name: 'node-1', subresource: 'status' };
    await admin.patch(target, { status: { conditions: [unknown] } }, { type: 'strategic-merge' });
    start(sandbox());
    await source.ready;
    const { status } = await admin.get<Node>({ ...nodes, name: 'node-1' });
    expect(status.conditions).toMatchObject([{ type: 'Ready', status: 'True', reason: 'KubeletReady' }]);
  });

  it('runs a pod that is bound to its node, and reports it to the API', async () => {
    start(sandbox());
    await source.ready;
    await admin.create(pods, manifest('web', { image: 'konnsim/web' }));
    await expect.poll(() => phase('web')).toBe('Running');
    const { status } = await pod('web');
    expect(status).toMatchObject({
      hostIP: '10.0.1.11',
      podIP: expect.stringMatching(/^10\.244\.7\.\d+$/),
      startTime: expect.any(String),
      containerStatuses: [{ name: 'main', ready: true, restartCount: 0, state: { running: {} } }],
    });
    const conditions = Object.fromEntries(status.conditions.map((each) => [each.type, each.status]));
    expect(conditions).toMatchObject({
      Ready: 'True',
      ContainersReady: 'True',
      Initialized: 'True',
      PodScheduled: 'True',
    });
    expect(() =>
      runtime.checkContainer({ namespace: 'default', pod: 'web', container: 'main' }),
    ).not.toThrow();
    runtime.restartContainer({ namespace: 'default', pod: 'web', container: 'main' });
    await expect
      .poll(async () => (await pod('web')).status.containerStatuses[0])
      .toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 137 } } });
  });

  it('reports a pod as ready again when another client marked it as not ready', async () => {
    start(sandbox());
    await source.ready;
    await admin.create(pods, manifest('web', {}));
    const ready = async (): Promise<string | undefined> =>
      (await pod('web')).status.conditions?.find(({ type }) => type === 'Ready')?.status;
    await expect.poll(ready).toBe('True');
    const conditions = [{ type: 'Ready', status: 'False' }];
    const target = { ...pods, name: 'web', subresource: 'status' };
    const told = await admin.patch<Pod>(target, { status: { conditions } }, { type: 'strategic-merge' });
    expect(told.status.conditions).toContainEqual(expect.objectContaining(conditions[0]));
    await expect.poll(ready).toBe('True');
  });

  it('leaves the pods of other nodes alone', async () => {
    start(sandbox());
    await source.ready;
    await admin.create(nodes, { ...node, metadata: { name: 'node-2' } });
    await admin.create(pods, manifest('other', {}, { nodeName: 'node-2' }));
    await admin.create(pods, manifest('own', {}));
    await expect.poll(() => phase('own')).toBe('Running');
    expect(runtime.listPods().map(({ metadata }) => metadata.name)).toEqual(['own']);
  });

  it('reports how real processes end, and does not run them again', async () => {
    start(await processes());
    await source.ready;
    const command = ['sh', '-c', 'exit 3'];
    await admin.create(pods, manifest('failing', { command }, { restartPolicy: 'Never' }));
    await expect.poll(() => phase('failing')).toBe('Failed');
    const { status } = await pod('failing');
    expect(status.containerStatuses[0]?.state).toMatchObject({
      terminated: { exitCode: 3, reason: 'Error' },
    });
    await source.close();
    await runtime.close();
    start(await processes());
    await source.ready;
    await admin.create(pods, manifest('next', {}));
    await expect.poll(() => phase('next')).toBe('Running');
    expect(runtime.listPods().map(({ metadata }) => metadata.name)).toEqual(['next']);
  });

  it('gives a deleted pod its grace period, and then has it removed', async () => {
    start(await processes());
    await source.ready;
    const script = 'trap "sleep 0.3; exit 0" TERM; while :; do sleep 0.02; done';
    await admin.create(pods, manifest('polite', { command: ['sh', '-c', script] }));
    await expect.poll(() => phase('polite')).toBe('Running');
    await admin.delete({ ...pods, name: 'polite' }, { gracePeriodSeconds: 20 });
    expect((await pod('polite')).metadata.deletionTimestamp).toBeDefined();
    await expect
      .poll(() =>
        pod('polite').then(
          () => 'there',
          () => 'gone',
        ),
      )
      .toBe('gone');
    expect(runtime.listPods()).toEqual([]);
  });

  it('stops a pod that was removed from the API at once', async () => {
    start(sandbox());
    await source.ready;
    await admin.create(pods, manifest('brief', {}));
    await expect.poll(() => phase('brief')).toBe('Running');
    await admin.delete({ ...pods, name: 'brief' }, { gracePeriodSeconds: 0 });
    await expect.poll(() => runtime.listPods()).toEqual([]);
  });

  it('starts a debugging container that was added to a pod', async () => {
    start(sandbox());
    await source.ready;
    await admin.create(pods, manifest('web', {}));
    await expect.poll(() => phase('web')).toBe('Running');
    const ephemeralContainers = [{ name: 'debug', image: 'konnsim/shell', stdin: true, tty: true }];
    const target = { ...pods, name: 'web', subresource: 'ephemeralcontainers' };
    await admin.patch(target, { spec: { ephemeralContainers } }, { type: 'strategic-merge' });
    await expect
      .poll(async () => (await pod('web')).status.ephemeralContainerStatuses)
      .toMatchObject([{ name: 'debug', state: { running: {} } }]);
  });

  it('keeps running pods that the API knows, and ends the others', async () => {
    await admin.create(pods, manifest('known', {}));
    await admin.create(pods, manifest('other', {}));
    const given = async (name: string, uid?: string): Promise<Pod> => {
      const { metadata, ...rest } = toRun((await pod(name)) as Pod, place);
      return { ...rest, metadata: { ...metadata, uid: uid ?? metadata.uid } };
    };
    const unknown = { ...(await given('known', 'u3')) };
    const before = createSandboxRuntime({
      nodeName: 'node-1',
      pods: [
        await given('known'),
        await given('other', 'u2'),
        { ...unknown, metadata: { ...unknown.metadata, name: 'gone' } },
      ],
      ...{ clock, random: createRandom(2), emit: () => undefined },
    });
    const idOf = (name: string): string | undefined =>
      before.listPods().find(({ metadata }) => metadata.name === name)?.status.containerStatuses[0]
        ?.containerID;
    const [known, other] = [idOf('known'), idOf('other')];
    start(before);
    await expect.poll(() => before.listPods().map(({ metadata }) => metadata.name)).not.toContain('gone');
    await expect.poll(() => phase('known')).toBe('Running');
    await expect.poll(() => phase('other')).toBe('Running');
    expect(idOf('known')).toBe(known);
    expect((await pod('known')).status).toMatchObject({
      podIP: place.podIP,
      containerStatuses: [{ containerID: known }],
    });
    expect(idOf('other')).not.toBe(other);
  });

  it('runs pods again that were lost with their node, except those that run only once', async () => {
    start(sandbox());
    await source.ready;
    await admin.create(pods, manifest('lasting', {}));
    await admin.create(pods, manifest('single', {}, { restartPolicy: 'Never' }));
    await expect.poll(() => phase('lasting')).toBe('Running');
    await expect.poll(() => phase('single')).toBe('Running');
    await source.close();
    await runtime.close();
    start(sandbox());
    await expect.poll(() => phase('single')).toBe('Failed');
    const lost = { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } };
    expect((await pod('single')).status.containerStatuses).toMatchObject([{ restartCount: 0, state: lost }]);
    await expect
      .poll(async () => (await pod('lasting')).status)
      .toMatchObject({ phase: 'Running', containerStatuses: [{ restartCount: 1, state: { running: {} } }] });
  });

  it.each(['sandbox', 'process'])('gives containers their variables in the %s runtime', async (kind) => {
    start(kind === 'sandbox' ? sandbox() : await processes());
    await source.ready;
    const word = 'open sesame';
    const data = { word: Buffer.from(word).toString('base64') };
    const kubernetes = {
      metadata: { name: 'kubernetes', namespace: 'default' },
      spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] },
    };
    const services = { group: '', version: 'v1', plural: 'services' };
    await admin.create({ resource: services, namespace: 'default' }, kubernetes).catch(() => undefined);
    // As in Konnectivity's own manifest.
    const agent = {
      command: ['sh', '-c', 'echo "$1 $WORD $KUBERNETES_SERVICE_HOST"; exit 1', '--'],
      args: ['--agent-identifiers=ipv4=$(HOST_IP)&host=$(NODE_NAME)'],
      env: [
        { name: 'WORD', valueFrom: { secretKeyRef: { name: 'pass', key: 'word' } } },
        { name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
        { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
      ],
    };
    await admin.create(pods, manifest('agent', agent));
    await expect
      .poll(async () => (await pod('agent')).status.containerStatuses?.[0]?.state)
      .toEqual({ waiting: { reason: 'CreateContainerConfigError', message: 'secret "pass" not found' } });
    expect(await phase('agent')).toBe('Pending');
    const secrets = { group: '', version: 'v1', plural: 'secrets' };
    const secret = { metadata: { name: 'pass', namespace: 'default' }, data };
    await admin.create({ resource: secrets, namespace: 'default' }, secret);
    const name = { namespace: 'default', pod: 'agent', container: 'main' };
    runtime.restartContainer(name);
    await expect
      .poll(async () => (await pod('agent')).status.containerStatuses[0]?.state)
      .toMatchObject({ waiting: { reason: 'CrashLoopBackOff' } });
    const request = { ...name, follow: false, previous: false, timestamps: false };
    const log = await collect(await runtime.logs(request, new AbortController().signal));
    expect(log).toBe(`--agent-identifiers=ipv4=10.0.1.11&host=node-1 ${word} 10.96.0.1\n`);
    const told = await admin.list({ resource: { group: '', version: 'v1', plural: 'events' } });
    for (const shown of [events, runtime.listPods(), await pod('agent'), told.items])
      expect(JSON.stringify(shown)).not.toMatch(/open sesame|b3BlbiBz/);
  });

  it('runs init containers first', async () => {
    start(await processes());
    await source.ready;
    const initContainers = [{ name: 'first', image: 'x', command: ['true'] }];
    await admin.create(pods, manifest('staged', {}, { initContainers }));
    await expect.poll(() => phase('staged')).toBe('Running');
    expect((await pod('staged')).status.initContainerStatuses).toMatchObject([
      { name: 'first', state: { terminated: { exitCode: 0, reason: 'Completed' } } },
    ]);
  });
});

describe('the addresses of a node’s pods', () => {
  it('are all different, are kept, and are used again only when there is no other', () => {
    const addresses = new PodAddresses('10.1.2.0/29');
    const given = ['a', 'b', 'c', 'd', 'e'].map((uid) => addresses.of(uid));
    expect(given).toEqual(['10.1.2.2', '10.1.2.3', '10.1.2.4', '10.1.2.5', '10.1.2.6']);
    expect([addresses.of('b'), addresses.of('f')]).toEqual(['10.1.2.3', undefined]);
    addresses.release('b');
    expect(addresses.of('f')).toBe('10.1.2.3');
  });

  it('leave out those that pods already had', () => {
    const addresses = new PodAddresses('10.1.2.0/24');
    addresses.claim('old', '10.1.2.2');
    expect([addresses.of('new'), addresses.of('old')]).toEqual(['10.1.2.3', '10.1.2.2']);
  });
});
