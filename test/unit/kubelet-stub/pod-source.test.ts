import { describe, expect, it } from 'vitest';
import { createSandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import { createRandom } from '../../../src/core/random.js';
import { isLeaseValid, type Lease, leases } from '../../../src/kube/lease.js';
import type { Node, Pod } from '../../../src/kube/pod-objects.js';
import { PodAddresses } from '../../../src/kubelet-stub/pod-source/pod-addresses.js';
import { statusPatch, toRun } from '../../../src/kubelet-stub/pod-source/pod-status.js';
import { collect } from '../containers/support.js';
import { clock } from './bench.js';
import { manifest, node, nodes, pods, useKubelet } from './kubelet-with-api.js';

const place = { hostIP: '10.0.1.11', podIP: '10.244.7.99', now: '2026-01-01T00:00:00Z' };

describe('a kubelet that takes its pods from the API', () => {
  const bench = useKubelet();
  const { start, pod, phase, sandbox, processes } = bench;

  it('registers its node as ready, with a valid lease', async () => {
    start(sandbox());
    await bench.source.ready;
    const found = await bench.admin.get<Node & { metadata: { uid: string } }>({ ...nodes, name: 'node-1' });
    expect(found.status.conditions).toMatchObject([
      { type: 'Ready', status: 'True', reason: 'KubeletReady' },
    ]);
    expect(found.status.addresses).toEqual(node.status.addresses);
    const lease = await bench.admin.get<Lease>({
      resource: leases,
      namespace: 'kube-node-lease',
      name: 'node-1',
    });
    expect(lease.spec).toMatchObject({ holderIdentity: 'node-1', leaseDurationSeconds: 40 });
    // With another UID it would be collected as the lease of a node that is gone.
    const owner = { apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: found.metadata.uid };
    expect(lease.metadata).toMatchObject({ ownerReferences: [owner] });
    expect(isLeaseValid(lease, Date.now())).toBe(true);
  });

  it('reports a node that seemed lost as ready again', async () => {
    await bench.admin.create(nodes, node);
    const unknown = { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown' };
    const target = { ...nodes, name: 'node-1', subresource: 'status' };
    await bench.admin.patch(target, { status: { conditions: [unknown] } }, { type: 'strategic-merge' });
    start(sandbox());
    await bench.source.ready;
    const { status } = await bench.admin.get<Node>({ ...nodes, name: 'node-1' });
    expect(status.conditions).toMatchObject([{ type: 'Ready', status: 'True', reason: 'KubeletReady' }]);
  });

  it('runs a pod that is bound to its node, and reports it to the API', async () => {
    start(sandbox());
    await bench.source.ready;
    await bench.admin.create(pods, manifest('web', { image: 'konnsim/web' }));
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
      bench.runtime.checkContainer({ namespace: 'default', pod: 'web', container: 'main' }),
    ).not.toThrow();
    bench.runtime.restartContainer({ namespace: 'default', pod: 'web', container: 'main' });
    await expect
      .poll(async () => (await pod('web')).status.containerStatuses[0])
      .toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 137 } } });
  });

  it('reports a pod as ready again when another client marked it as not ready', async () => {
    start(sandbox());
    await bench.source.ready;
    await bench.admin.create(pods, manifest('web', {}));
    const ready = async (): Promise<string | undefined> =>
      (await pod('web')).status.conditions?.find(({ type }) => type === 'Ready')?.status;
    await expect.poll(ready).toBe('True');
    const conditions = [{ type: 'Ready', status: 'False' }];
    const target = { ...pods, name: 'web', subresource: 'status' };
    const told = await bench.admin.patch<Pod>(
      target,
      { status: { conditions } },
      { type: 'strategic-merge' },
    );
    expect(told.status.conditions).toContainEqual(expect.objectContaining(conditions[0]));
    await expect.poll(ready).toBe('True');
  });

  it('leaves the pods of other nodes alone', async () => {
    start(sandbox());
    await bench.source.ready;
    await bench.admin.create(nodes, { ...node, metadata: { name: 'node-2' } });
    await bench.admin.create(pods, manifest('other', {}, { nodeName: 'node-2' }));
    await bench.admin.create(pods, manifest('own', {}));
    await expect.poll(() => phase('own')).toBe('Running');
    expect(bench.runtime.listPods().map(({ metadata }) => metadata.name)).toEqual(['own']);
  });

  it('reports how real processes end, and does not run them again', async () => {
    start(await processes());
    await bench.source.ready;
    const command = ['sh', '-c', 'exit 3'];
    await bench.admin.create(pods, manifest('failing', { command }, { restartPolicy: 'Never' }));
    await expect.poll(() => phase('failing')).toBe('Failed');
    const { status } = await pod('failing');
    expect(status.containerStatuses[0]?.state).toMatchObject({
      terminated: { exitCode: 3, reason: 'Error' },
    });
    await bench.source.close();
    await bench.runtime.close();
    start(await processes());
    await bench.source.ready;
    await bench.admin.create(pods, manifest('next', {}));
    await expect.poll(() => phase('next')).toBe('Running');
    expect(bench.runtime.listPods().map(({ metadata }) => metadata.name)).toEqual(['next']);
  });

  it('gives a deleted pod its grace period, and then has it removed', async () => {
    start(await processes());
    await bench.source.ready;
    const script = 'trap "sleep 0.3; exit 0" TERM; while :; do sleep 0.02; done';
    await bench.admin.create(pods, manifest('polite', { command: ['sh', '-c', script] }));
    await expect.poll(() => phase('polite')).toBe('Running');
    await bench.admin.delete({ ...pods, name: 'polite' }, { gracePeriodSeconds: 20 });
    expect((await pod('polite')).metadata.deletionTimestamp).toBeDefined();
    await expect
      .poll(() =>
        pod('polite').then(
          () => 'there',
          () => 'gone',
        ),
      )
      .toBe('gone');
    await expect.poll(() => bench.runtime.listPods()).toEqual([]);
  });

  it.each(['sandbox', 'process'])('tells how a deleted pod has ended, in the %s runtime', async (kind) => {
    start(kind === 'sandbox' ? sandbox() : await processes());
    await bench.source.ready;
    const held = manifest('held', { command: ['sh', '-c', 'echo words; sleep 1000'] }) as Pod;
    const metadata = { ...held.metadata, finalizers: ['example.com/hold'] };
    const waiting = { name: 'aside', image: 'any', envFrom: [{ configMapRef: { name: 'none' } }] };
    const containers = [...held.spec.containers, waiting];
    await bench.admin.create(pods, { ...held, metadata, spec: { ...held.spec, containers } });
    const statuses = async () => (await pod('held')).status.containerStatuses ?? [];
    await expect.poll(async () => (await statuses())[1]?.ready).toBe(true);
    const log = async (): Promise<string> => {
      const request = { namespace: 'default', pod: 'held', container: 'main' };
      const options = { follow: false, previous: false, timestamps: false };
      return collect(await bench.runtime.logs({ ...request, ...options }, new AbortController().signal));
    };
    await expect.poll(log).toBe('words\n');
    await bench.admin.delete({ ...pods, name: 'held' }, { gracePeriodSeconds: 20 });
    await expect.poll(() => phase('held')).toBe('Failed');
    expect(await statuses()).toMatchObject([
      { name: 'aside', state: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } } },
      { name: 'main', ready: false, state: { terminated: { reason: 'Error' } } },
    ]);
    const conditions = Object.fromEntries(
      (await pod('held')).status.conditions.map((each) => [each.type, each]),
    );
    expect(conditions).toMatchObject({
      PodReadyToStartContainers: { status: 'False' },
      Ready: { status: 'False', reason: 'PodFailed' },
    });
    expect(await log()).toBe('words\n');
    const target = { ...pods, name: 'held' };
    await bench.admin.patch(target, { metadata: { finalizers: null } }, { type: 'merge' });
    await expect.poll(() => bench.runtime.listPods()).toEqual([]);
    await expect(pod('held')).rejects.toThrow('not found');
  });

  it('limits what all containers of a pod say of their ends to 12 KiB', () => {
    const message = 'Q'.repeat(4096);
    const end = { exitCode: 1, reason: 'Error', message, startedAt: '', finishedAt: '' };
    const status = {
      ...{ image: '', imageID: '', containerID: '', ready: false, started: false, restartCount: 0 },
    };
    const containers = [1, 2, 3, 4, 5, 6].map((n) => ({ name: `c${n}`, image: 'any' }));
    const given = manifest('many', {}, { containers }) as Pod;
    const containerStatuses = containers.map(({ name }) => ({
      ...{ ...status, name, state: { terminated: end }, lastState: { terminated: end } },
    }));
    const patch = statusPatch({ ...given, status: { ...toRun(given, place).status, containerStatuses } });
    expect(
      JSON.stringify(patch)
        .match(/Q+/g)
        ?.map(({ length }) => length),
    ).toEqual(Array(12).fill(2048));
  });

  it('stops a pod that was removed from the API at once', async () => {
    start(sandbox());
    await bench.source.ready;
    await bench.admin.create(pods, manifest('brief', {}));
    await expect.poll(() => phase('brief')).toBe('Running');
    await bench.admin.delete({ ...pods, name: 'brief' }, { gracePeriodSeconds: 0 });
    await expect.poll(() => bench.runtime.listPods()).toEqual([]);
  });

  it('starts a debugging container that was added to a pod', async () => {
    start(sandbox());
    await bench.source.ready;
    await bench.admin.create(pods, manifest('web', {}));
    await expect.poll(() => phase('web')).toBe('Running');
    const ephemeralContainers = [{ name: 'debug', image: 'konnsim/shell', stdin: true, tty: true }];
    const target = { ...pods, name: 'web', subresource: 'ephemeralcontainers' };
    await bench.admin.patch(target, { spec: { ephemeralContainers } }, { type: 'strategic-merge' });
    await expect
      .poll(async () => (await pod('web')).status.ephemeralContainerStatuses)
      .toMatchObject([{ name: 'debug', state: { running: {} } }]);
  });

  it('keeps running pods that the API knows, and ends the others', async () => {
    await bench.admin.create(pods, manifest('known', {}));
    await bench.admin.create(pods, manifest('other', {}));
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
    await bench.source.ready;
    await bench.admin.create(pods, manifest('lasting', {}));
    await bench.admin.create(pods, manifest('single', {}, { restartPolicy: 'Never' }));
    await expect.poll(() => phase('lasting')).toBe('Running');
    await expect.poll(() => phase('single')).toBe('Running');
    await bench.source.close();
    await bench.runtime.close();
    start(sandbox());
    await expect.poll(() => phase('single')).toBe('Failed');
    const lost = { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } };
    expect((await pod('single')).status.containerStatuses).toMatchObject([{ restartCount: 0, state: lost }]);
    await expect
      .poll(async () => (await pod('lasting')).status)
      .toMatchObject({ phase: 'Running', containerStatuses: [{ restartCount: 1, state: { running: {} } }] });
  });

  it('runs init containers first', async () => {
    start(await processes());
    await bench.source.ready;
    const initContainers = [{ name: 'first', image: 'x', command: ['true'] }];
    await bench.admin.create(pods, manifest('staged', {}, { initContainers }));
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
