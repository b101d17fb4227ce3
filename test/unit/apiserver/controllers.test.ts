import { expect, it } from 'vitest';
import { startControllers } from '../../../src/apiserver/controllers/controllers.js';
import type { ApiObject } from '../../../src/apiserver/resources/api-object.js';
import { findResource } from '../../../src/apiserver/resources/catalogue.js';
import { createObjectStore, type LocalStore } from '../../../src/apiserver/store/object-store.js';
import { ManualClock } from '../../../src/core/clock.js';
import { createRandom } from '../../../src/core/random.js';
import type { WallClock } from '../../../src/core/wall-clock.js';
import { node, pod } from './objects.js';

interface Bench {
  readonly clock: ManualClock;
  readonly store: LocalStore;
  readonly errors: string[];
  close(): void;
}

function bench(other?: ApiObject, now?: WallClock): Bench {
  const others = other === undefined ? [] : [other];
  const clock = new ManualClock();
  const waiting = pod({ name: 'waiting', node: '' });
  const store = createObjectStore(
    { nodes: [node('node-1'), node('node-2')], pods: [pod({ name: 'a' }), waiting], others },
    clock,
  );
  const errors: string[] = [];
  const controllers = startControllers({
    store,
    clock,
    random: createRandom(1),
    ...(now === undefined ? {} : { now }),
    onError: (name, error) => errors.push(`${name}: ${String(error)}`),
  });
  return { clock, store, errors, close: () => controllers.close() };
}

function all(store: LocalStore, plural: string): readonly ApiObject[] {
  const resource = findResource('', 'v1', plural);
  return resource === undefined ? [] : store.list(resource);
}

it('the node with the fewest pods gets the next one, and then the loops stop changing anything', () => {
  const { clock, store, errors, close } = bench();
  clock.advance(1);
  const placed = all(store, 'pods').find(({ metadata }) => metadata.name === 'waiting');
  expect(placed).toMatchObject({ spec: { nodeName: 'node-2' } });
  clock.advance(10);
  const { revision } = store;
  clock.advance(60_000);
  expect(store.revision).toBe(revision);
  expect(errors).toEqual([]);
  close();
});

it('events are deleted after an hour', () => {
  const nowMs = Date.UTC(2026, 0, 1);
  const { clock, store, close } = bench(undefined, () => nowMs + clock.now());
  clock.advance(1);
  // The time in nanoseconds, as in the names of a kubelet's events.
  expect(all(store, 'events').map(({ metadata }) => metadata.name)).toEqual([
    `waiting.${(BigInt(nowMs) * 1_000_000n).toString(16)}`,
  ]);
  expect(all(store, 'events')).toMatchObject([
    { reason: 'Scheduled', source: { component: 'default-scheduler' } },
  ]);
  clock.advance(61 * 60 * 1000);
  expect(all(store, 'events')).toEqual([]);
  close();
});

it('a dependent is deleted with its owner, and stays when it is orphaned', () => {
  const { clock, store, close } = bench();
  const owned = (name: string, uid: string): object => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      creationTimestamp: '2024-05-01T10:00:00Z',
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'a', uid }],
    },
  });
  store.put(owned('with-owner', 'uid-a') as ApiObject);
  store.put(owned('without-owner', 'uid-gone') as ApiObject);
  clock.advance(1);
  expect(all(store, 'configmaps').map(({ metadata }) => metadata.name)).toEqual(['with-owner']);
  const owner = pod({ name: 'a' });
  const orphaning = { finalizers: ['orphan'], deletionTimestamp: '2024-05-01T10:00:00Z' };
  store.put({ ...owner, metadata: { ...owner.metadata, ...orphaning } } as ApiObject);
  clock.advance(10);
  expect(all(store, 'configmaps').map(({ metadata }) => metadata.name)).toEqual(['with-owner']);
  expect(all(store, 'pods').some(({ metadata }) => metadata.name === 'a')).toBe(false);
  close();
});

it('controllers do nothing after they are closed', () => {
  const { clock, store, close } = bench();
  close();
  clock.advance(60_000);
  expect(all(store, 'pods').find(({ metadata }) => metadata.name === 'waiting')).toMatchObject({
    spec: { nodeName: '' },
  });
});

it('a node has its whole grace period after a start, even with an old lease', () => {
  const { clock, store, errors, close } = bench({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'node-1', namespace: 'kube-node-lease', uid: 'u', creationTimestamp: '' },
    spec: { renewTime: '2000-01-01T00:00:00.000000Z' },
  } as ApiObject);
  const taints = (): unknown =>
    all(store, 'nodes').map(
      (object) => (object as { spec?: { taints?: unknown[] } }).spec?.taints?.length ?? 0,
    );
  clock.advance(45_000);
  expect(taints()).toEqual([0, 0]);
  clock.advance(20_000);
  expect(taints()).toEqual([2, 0]);
  expect(errors).toEqual([]);
  close();
});

it('a node that renews its lease is not lost when the wall clock jumps', () => {
  let wallMs = Date.UTC(2026, 0, 1);
  const lease = (renewTime: string) =>
    ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'node-1', namespace: 'kube-node-lease', uid: 'u', creationTimestamp: '' },
      spec: { renewTime },
    }) as ApiObject;
  const { clock, store, errors, close } = bench(lease(new Date(wallMs).toISOString()), () => wallMs);
  const renew = (): void => {
    store.put(lease(new Date(wallMs).toISOString()));
    clock.advance(10_000);
    wallMs += 10_000;
  };
  renew();
  wallMs += 8 * 3_600_000;
  clock.advance(10_000);
  for (let count = 0; count < 10; count++) renew();
  const tainted = (): boolean =>
    all(store, 'nodes').some((object) => 'taints' in ((object as { spec?: object }).spec ?? {}));
  expect([tainted(), errors]).toEqual([false, []]);
  close();
});
