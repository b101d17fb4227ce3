import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRealClock } from '../../../src/core/clock.js';
import type { KeyPair } from '../../../src/pki/key-pair.js';
import { call, makeCredentials, startTestApi, type TestApi } from './fixture.js';
import { node } from './objects.js';
import { mergePatch, type Sent, send, strategicPatch } from './send-body.js';

interface Stored {
  readonly metadata: Record<string, unknown> & { readonly name: string; readonly uid: string };
  readonly spec: Record<string, unknown>;
  readonly status: Record<string, unknown>;
}

const pods = '/api/v1/namespaces/default/pods';
let test: TestApi;
let kubelet: KeyPair;
let stranger: KeyPair;

beforeAll(async () => {
  const credentials = await makeCredentials();
  const issue = (name: string): Promise<KeyPair> =>
    credentials.ca.issue({
      commonName: `system:node:${name}`,
      organizations: ['system:nodes'],
      usages: ['client'],
    });
  [kubelet, stranger] = await Promise.all([issue('node-1'), issue('node-2')]);
  test = await startTestApi(credentials, { objects: { nodes: [node('node-1')] }, controllers: true });
});
afterAll(() => test.close());

const as = (credential: KeyPair, sent: Sent = {}): Sent => ({ ...sent, credential });
const newPod = (name: string, labels: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels },
  spec: { containers: [{ name: 'main', image: 'web:1', ports: [{ name: 'http', containerPort: 8080 }] }] },
});
const runningStatus = {
  status: {
    phase: 'Running',
    podIP: '10.1.0.9',
    podIPs: [{ ip: '10.1.0.9' }],
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2024-05-01T10:00:00Z' }],
  },
};

async function get(path: string): Promise<Stored> {
  return (await call(test, path)).json<Stored>();
}

/** The object as soon as the condition is true. */
async function eventually(path: string, condition: (object: Stored) => boolean, api = test): Promise<Stored> {
  let last: Stored | undefined;
  await expect
    .poll(async () => {
      last = (await call(api, path)).json<Stored>();
      return condition(last);
    })
    .toBe(true);
  if (last === undefined) throw new Error('unreachable');
  return last;
}

/** A pod that the scheduler has placed. */
async function placedPod(name: string, labels?: Record<string, string>): Promise<Stored> {
  expect((await send(test, 'POST', pods, newPod(name, labels))).status).toBe(201);
  return eventually(`${pods}/${name}`, ({ spec }) => spec['nodeName'] === 'node-1');
}

describe('a new pod', () => {
  it('is scheduled to a ready node, which reports its status and ends its deletion', async () => {
    const placed = await placedPod('life');
    expect(placed.status['conditions']).toMatchObject([{ type: 'PodScheduled', status: 'True' }]);
    const running = await send(
      test,
      'PATCH',
      `${pods}/life/status`,
      runningStatus,
      as(kubelet, strategicPatch),
    );
    expect(running.json()).toMatchObject({ status: { phase: 'Running' }, spec: { nodeName: 'node-1' } });
    const going = (await send(test, 'DELETE', `${pods}/life`, {})).json<Stored>();
    expect(going.metadata['deletionGracePeriodSeconds']).toBe(30);
    const end = { gracePeriodSeconds: 0, preconditions: { uid: placed.metadata.uid } };
    expect((await send(test, 'DELETE', `${pods}/life`, end, as(kubelet))).status).toBe(200);
    expect((await call(test, `${pods}/life`)).status).toBe(404);
  });

  it('waits while no node fits, and says why', async () => {
    const picky = { ...newPod('picky'), spec: { ...newPod('picky').spec, nodeSelector: { disk: 'gold' } } };
    await send(test, 'POST', pods, picky);
    const waiting = await eventually(`${pods}/picky`, ({ status }) => status['conditions'] !== undefined);
    expect(waiting.status['conditions']).toMatchObject([
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message: "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
      },
    ]);
  });

  it('waits for its scheduling gates, and for a scheduler that is not ours', async () => {
    const spec = { ...newPod('gated').spec, schedulingGates: [{ name: 'a.io/x' }, { name: 'a.io/y' }] };
    const created = await send(test, 'POST', pods, { ...newPod('gated'), spec });
    const condition = {
      ...{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' },
      message: 'Scheduling is blocked due to non-empty scheduling gates',
    };
    expect(created.json<Stored>().status['conditions']).toMatchObject([condition]);
    const foreign = { ...newPod('foreign').spec, schedulerName: 'another' };
    await send(test, 'POST', pods, { ...newPod('foreign'), spec: foreign });
    // The scheduler has had its turn when it has placed a later pod.
    await placedPod('after-both');
    expect((await get(`${pods}/gated`)).spec['nodeName']).toBeUndefined();
    expect((await get(`${pods}/foreign`)).status).toMatchObject({ phase: 'Pending' });
    expect((await get(`${pods}/foreign`)).status['conditions']).toBeUndefined();
    const target = { target: { apiVersion: 'v1', kind: 'Node', name: 'node-1' } };
    expect((await send(test, 'POST', `${pods}/gated/binding`, target)).json()).toMatchObject({
      code: 409,
      message:
        'Operation cannot be fulfilled on pods/binding "gated": pod gated has non-empty .spec.schedulingGates',
    });
    const gates = (...names: string[]): Promise<{ json(): unknown }> =>
      send(
        test,
        'PATCH',
        `${pods}/gated`,
        { spec: { schedulingGates: names.map((name) => ({ name })) } },
        mergePatch,
      );
    expect((await gates('a.io/y', 'b.io/z')).json()).toMatchObject({
      code: 422,
      message:
        'Pod "gated" is invalid: spec.schedulingGates[1].name: Forbidden: only deletion is allowed, but found new scheduling gate \'b.io/z\'',
    });
    await gates();
    const placed = await eventually(`${pods}/gated`, ({ spec }) => spec['nodeName'] === 'node-1');
    expect(placed.status['conditions']).toMatchObject([{ type: 'PodScheduled', status: 'True' }]);
  });

  it('is not changed by the kubelet of another node', async () => {
    await placedPod('mine');
    expect(
      (await send(test, 'PATCH', `${pods}/mine/status`, runningStatus, as(stranger, mergePatch))).json(),
    ).toMatchObject({
      code: 403,
      message:
        'pods "mine" is forbidden: node "node-2" can only update pod status for pods with spec.nodeName set to itself',
    });
  });

  it('is bound once', async () => {
    await placedPod('bound');
    const target = { target: { apiVersion: 'v1', kind: 'Node', name: 'node-9' } };
    expect((await send(test, 'POST', `${pods}/bound/binding`, target)).json()).toMatchObject({
      code: 409,
      message:
        'Operation cannot be fulfilled on pods/binding "bound": pod bound is already assigned to node "node-1"',
    });
  });

  it('is evicted as it is deleted', async () => {
    await placedPod('evicted');
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'evicted' } };
    const answer = await send(test, 'POST', `${pods}/evicted/eviction`, eviction);
    expect(answer.json()).toMatchObject({ status: 'Success', code: 201 });
    expect((await get(`${pods}/evicted`)).metadata['deletionTimestamp']).toBeDefined();
  });

  it('gets ephemeral containers, which cannot be removed', async () => {
    await placedPod('debugged');
    const path = `${pods}/debugged/ephemeralcontainers`;
    const debug = { name: 'debugger', image: 'shell', targetContainerName: 'main' };
    const added = await send(test, 'PATCH', path, { spec: { ephemeralContainers: [debug] } }, strategicPatch);
    expect(added.json<Stored>().spec['ephemeralContainers']).toMatchObject([
      { ...debug, terminationMessagePolicy: 'File' },
    ]);
    const changed = { spec: { ephemeralContainers: [{ ...debug, image: 'other' }] } };
    expect((await send(test, 'PATCH', path, changed, strategicPatch)).json()).toMatchObject({
      code: 422,
      message: expect.stringContaining('existing ephemeral containers "debugger" may not be changed'),
    });
    const second = { name: 'second', image: 'shell', resources: {}, ports: [{ containerPort: 80 }] };
    const withPort = { spec: { ephemeralContainers: [second] } };
    expect((await send(test, 'PATCH', path, withPort, strategicPatch)).json()).toMatchObject({
      code: 422,
      message:
        'Pod "debugged" is invalid: spec.ephemeralContainers[1].ports: Forbidden: cannot be set for an Ephemeral Container',
    });
  });
});

describe('the work of controllers', () => {
  it('a service gets an address, and endpoints of ready pods', async () => {
    const service = {
      metadata: { name: 'front' },
      spec: { selector: { app: 'front' }, ports: [{ port: 80, targetPort: 'http' }] },
    };
    const created = (await send(test, 'POST', '/api/v1/namespaces/default/services', service)).json<Stored>();
    expect(created.spec).toMatchObject({ type: 'ClusterIP', clusterIP: expect.stringMatching(/^10\.96\./) });
    await placedPod('front-1', { app: 'front' });
    await send(test, 'PATCH', `${pods}/front-1/status`, runningStatus, as(kubelet, strategicPatch));
    const path = '/api/v1/namespaces/default/endpoints/front';
    const endpoints = await eventually(path, (found) => JSON.stringify(found).includes('"addresses"'));
    expect(endpoints).toMatchObject({
      subsets: [{ addresses: [{ ip: '10.1.0.9', nodeName: 'node-1' }], ports: [{ port: 8080 }] }],
    });
    const slices = await call(
      test,
      '/apis/discovery.k8s.io/v1/endpointslices?labelSelector=kubernetes.io/service-name=front',
    );
    expect(slices.json()).toMatchObject({ items: [{ endpoints: [{ conditions: { ready: true } }] }] });
  });

  it('a deployment gets pods, scales, and its pods are deleted with it', async () => {
    const template = {
      metadata: { labels: { app: 'dep' } },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    };
    const deployment = {
      metadata: { name: 'dep' },
      spec: { replicas: 2, selector: { matchLabels: { app: 'dep' } }, template },
    };
    const path = '/apis/apps/v1/namespaces/default/deployments';
    await send(test, 'POST', path, deployment);
    const own = async (): Promise<string[]> => {
      const list = (await call(test, `${pods}?labelSelector=app%3Ddep`)).json<{ items: Stored[] }>();
      return list.items
        .filter(({ metadata }) => metadata['deletionTimestamp'] === undefined)
        .map(({ metadata }) => metadata.name);
    };
    await expect.poll(async () => (await own()).length).toBe(2);
    const scale = await send(test, 'PATCH', `${path}/dep/scale`, { spec: { replicas: 1 } }, mergePatch);
    expect(scale.json()).toMatchObject({
      kind: 'Scale',
      spec: { replicas: 1 },
      status: { selector: 'app=dep' },
    });
    await expect.poll(async () => (await own()).length).toBe(1);
    await send(test, 'DELETE', `${path}/dep`, { propagationPolicy: 'Background' });
    await expect.poll(own).toEqual([]);
  });

  it('a namespace gets a service account, and is deleted with everything in it', async () => {
    await send(test, 'POST', '/api/v1/namespaces', { metadata: { name: 'team' } });
    await eventually(
      '/api/v1/namespaces/team/serviceaccounts/default',
      ({ metadata }) => metadata?.uid !== undefined,
    );
    await send(test, 'POST', '/api/v1/namespaces/team/configmaps', {
      metadata: { name: 'held', finalizers: ['a.b/c'] },
    });
    const going = (await send(test, 'DELETE', '/api/v1/namespaces/team')).json<Stored>();
    expect(going.status['phase']).toBe('Terminating');
    expect(
      (await send(test, 'POST', '/api/v1/namespaces/team/configmaps', { metadata: { name: 'late' } })).json(),
    ).toMatchObject({
      code: 403,
      message:
        'configmaps "late" is forbidden: unable to create new content in namespace team because it is being terminated',
      details: { causes: [{ reason: 'NamespaceTerminating' }] },
    });
    await send(
      test,
      'PATCH',
      '/api/v1/namespaces/team/configmaps/held',
      { metadata: { finalizers: null } },
      mergePatch,
    );
    await expect.poll(async () => (await call(test, '/api/v1/namespaces/team')).status).toBe(404);
  });

  it('a node whose lease expires is unreachable until its kubelet reports again', async () => {
    // The node has 50 seconds from the first sight of its lease.
    const clock = createRealClock(15);
    const fast = await startTestApi(test.credentials, { controllers: true, clock });
    await send(fast, 'POST', '/api/v1/nodes', { ...node('node-2') }, as(stranger));
    const lease = { metadata: { name: 'node-2' }, spec: { renewTime: '2020-01-01T00:00:00.000000Z' } };
    const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
    expect((await send(fast, 'POST', leases, lease, as(stranger))).status).toBe(201);
    const lost = await eventually('/api/v1/nodes/node-2', ({ spec }) => spec['taints'] !== undefined, fast);
    expect(lost.status['conditions']).toMatchObject([{ type: 'Ready', status: 'Unknown' }]);
    const renewed = { spec: { renewTime: new Date().toISOString().replace('Z', '000Z') } };
    await send(fast, 'PATCH', `${leases}/node-2`, renewed, as(stranger, mergePatch));
    const ready = { status: { conditions: [{ type: 'Ready', status: 'True' }] } };
    await send(fast, 'PATCH', '/api/v1/nodes/node-2/status', ready, as(stranger, strategicPatch));
    await eventually('/api/v1/nodes/node-2', ({ spec }) => spec['taints'] === undefined, fast);
    await fast.close();
  });
});
