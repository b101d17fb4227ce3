import { describe, expect, it } from 'vitest';
import { coreResource } from '../../../src/apiserver/resources/catalogue.js';
import type { Change } from '../../../src/apiserver/store/change.js';
import { ObjectState } from '../../../src/apiserver/store/object-state.js';
import {
  createObjectStore,
  type LocalStore,
  MemoryStore,
} from '../../../src/apiserver/store/object-store.js';
import { ManualClock } from '../../../src/core/clock.js';
import { TunnelError } from '../../../src/core/errors.js';
import { node, pod } from './objects.js';

const pods = coreResource('pods');
const namespaces = coreResource('namespaces');

function storeWith(...names: string[]): LocalStore {
  return createObjectStore(
    { pods: names.map((name) => pod({ name })), nodes: [node('node-1')] },
    new ManualClock(),
  );
}

function change(store: LocalStore, after: number): Change {
  const found = store.nextChange(pods, after);
  if (found === undefined || found === 'forgotten') throw new Error(`no change: ${found}`);
  return found;
}

describe('the object store', () => {
  it('lists by namespace and name', () => {
    const store = storeWith('b', 'a');
    store.put(pod({ name: 'z', namespace: 'alpha' }));
    expect(store.list(pods).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)).toEqual([
      'alpha/z',
      'default/a',
      'default/b',
    ]);
    expect(store.list(pods, 'default')).toHaveLength(2);
  });

  it('gives every change its own resourceVersion and does not change the given object', () => {
    const store = storeWith();
    const given = pod({ name: 'a' });
    const first = store.put(given);
    const second = store.put(given);
    expect(given.metadata.resourceVersion).toBeUndefined();
    expect(Number(second.metadata.resourceVersion)).toBe(Number(first.metadata.resourceVersion) + 1);
    expect(store.revision).toBe(Number(second.metadata.resourceVersion));
  });

  it('reports what was added, modified and deleted, in order', () => {
    const store = storeWith();
    const start = store.revision;
    store.put(pod({ name: 'a' }));
    store.put(pod({ name: 'a', phase: 'Failed' }));
    expect(store.remove('v1', 'Pod', { namespace: 'default', name: 'a' })).toBe(true);
    const added = change(store, start);
    const modified = change(store, added.revision);
    const deleted = change(store, modified.revision);
    expect([added.type, modified.type, deleted.type]).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
    expect(modified.previous).toBe(added.object);
    expect(deleted.object.metadata.resourceVersion).toBe(String(store.revision));
    expect(store.nextChange(pods, deleted.revision)).toBeUndefined();
    expect(store.remove('v1', 'Pod', { namespace: 'default', name: 'a' })).toBe(false);
  });

  it('drops changes above the limit and reports it', () => {
    const store = createObjectStore({}, new ManualClock(), { historyLimit: 10 });
    const start = store.revision;
    for (let i = 0; i < 100; i++) store.put(pod({ name: 'a' }));
    expect(store.nextChange(pods, start)).toBe('forgotten');
    expect(change(store, store.revision - 10).revision).toBe(store.revision - 9);
  });

  it('drops the history when compacted, but keeps the objects', () => {
    const store = storeWith('a');
    const start = store.revision;
    store.put(pod({ name: 'b' }));
    store.compact();
    expect(store.nextChange(pods, start)).toBe('forgotten');
    expect(store.nextChange(pods, store.revision)).toBeUndefined();
    expect(store.list(pods)).toHaveLength(2);
  });

  it('keeps the histories of kinds apart', () => {
    const store = storeWith();
    const start = store.revision;
    store.put(node('node-2'));
    expect(store.nextChange(pods, start)).toBeUndefined();
  });

  it('adds the namespaces of objects, and those of every cluster', () => {
    const store = storeWith();
    store.put(pod({ name: 'a', namespace: 'team' }));
    const names = store.list(namespaces).map(({ metadata }) => metadata.name);
    expect(names).toEqual(['default', 'kube-node-lease', 'kube-public', 'kube-system', 'team']);
  });

  it('calls its subscribers until they leave', () => {
    const store = storeWith();
    let calls = 0;
    const leave = store.subscribe(() => calls++);
    store.put(node('node-2'));
    leave();
    store.put(node('node-3'));
    expect(calls).toBe(1);
  });

  it('refuses kinds that are not served, and objects without a name or namespace', () => {
    const store = storeWith();
    const { metadata } = pod({ name: 'a' });
    const refused = [
      { apiVersion: 'v1', kind: 'Gadget', metadata },
      { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: '' } },
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', uid: 'u', creationTimestamp: '' } },
    ];
    for (const object of refused) expect(() => store.put(object)).toThrow(TunnelError);
  });
});

describe('a conditional write', () => {
  it('creates only what does not exist', () => {
    const store = storeWith('a');
    const before = store.revision;
    expect(store.commitNow({ kind: 'put', object: pod({ name: 'a', phase: 'Failed' }) })).toBeUndefined();
    expect(store.revision).toBe(before);
    expect(store.commitNow({ kind: 'put', object: pod({ name: 'b' }) })?.metadata.resourceVersion).toBe(
      String(before + 1),
    );
  });

  it('replaces and removes only the revision that its writer has read', () => {
    const store = storeWith();
    const old = store.put(pod({ name: 'a' }));
    const over = store.put(pod({ name: 'a', phase: 'Failed' }));
    const object = pod({ name: 'a' });
    expect(store.commitNow({ kind: 'put', object, over: old })).toBeUndefined();
    expect(store.commitNow({ kind: 'remove', object: old })).toBeUndefined();
    expect(store.list(pods)).toEqual([over]);
    const next = store.commitNow({ kind: 'put', object, over });
    expect(next).toBeDefined();
    expect(store.commitNow({ kind: 'remove', object: next ?? over })).toBe(next);
    expect(store.list(pods)).toEqual([]);
  });

  it('can remove in the same step, so that watches see both', () => {
    const store = storeWith();
    const over = store.put(pod({ name: 'a' }));
    const start = store.revision;
    store.commitNow({ kind: 'put', object: pod({ name: 'a', phase: 'Failed' }), over, thenRemove: true });
    const modified = change(store, start);
    expect([modified.type, change(store, modified.revision).type]).toEqual(['MODIFIED', 'DELETED']);
    expect(store.list(pods)).toEqual([]);
  });
});

describe('the steps of a store', () => {
  it('make the same objects, changes and revisions in another store', () => {
    const store = new MemoryStore(new ManualClock());
    store.fill({ pods: [pod({ name: 'a' })] });
    const mirror = new ObjectState();
    mirror.load(store.snapshot());
    const start = store.revision;
    store.put(pod({ name: 'b', namespace: 'team' }));
    store.remove('v1', 'Pod', { namespace: 'default', name: 'a' });
    const steps = store.stepsAfter(start);
    if (steps === 'forgotten') throw new Error('forgotten');
    for (const step of steps) mirror.apply(step);
    expect(mirror.snapshot()).toEqual(store.snapshot());
    expect(mirror.nextChange(pods, start)).toEqual(store.nextChange(pods, start));
    expect(mirror.nextChange(pods, store.revision - 1)).toEqual(store.nextChange(pods, store.revision - 1));
  });

  it('are unknown before the history, and after it', () => {
    const store = new MemoryStore(new ManualClock());
    store.fill({ pods: [pod({ name: 'a' })] });
    const mirror = new ObjectState();
    mirror.load(store.snapshot());
    expect(mirror.stepsAfter(store.revision)).toEqual([]);
    expect(mirror.stepsAfter(store.revision - 1)).toBe('forgotten');
    expect(mirror.stepsAfter(store.revision + 1)).toBe('forgotten');
    // A mirror does not know what happened before it started, for any kind.
    expect(mirror.nextChange(coreResource('endpoints'), store.revision - 1)).toBe('forgotten');
    expect(mirror.nextChange(pods, store.revision + 1)).toBe('forgotten');
  });
});
