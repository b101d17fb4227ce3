import {
  ApiException,
  type CoreV1Api,
  type Informer,
  type KubernetesListObject,
  makeInformer,
  type ObjectCache,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  Watch,
} from '@kubernetes/client-node';
import { afterEach, describe, expect, it } from 'vitest';
import { soon } from '../support/waits.js';
import { useClientLab } from './client-lab.js';

const client = useClientLab();
const namespace = 'default';
const labels = { made: 'here' };
const path = `/api/v1/namespaces/${namespace}/configmaps`;

const create = (name: string, value: string): Promise<V1ConfigMap> =>
  client().core.createNamespacedConfigMap({
    namespace,
    body: { metadata: { name, labels }, data: { value } },
  });

async function update(name: string, value: string): Promise<V1ConfigMap> {
  const { core } = client();
  const body = await core.readNamespacedConfigMap({ name, namespace });
  body.data = { value };
  return core.replaceNamespacedConfigMap({ name, namespace, body });
}

const remove = (name: string): Promise<unknown> =>
  client().core.deleteNamespacedConfigMap({ name, namespace });
const list = (core: CoreV1Api) => (): Promise<KubernetesListObject<V1ConfigMap>> =>
  core.listNamespacedConfigMap({ namespace, labelSelector: 'made=here' });

afterEach(async () => {
  await client().core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: 'made=here' });
});

describe('CoreV1Api of the official JavaScript client', () => {
  it('creates, reads, lists, replaces, patches and deletes', async () => {
    const { core } = client();
    expect(await create('conf', 'one')).toMatchObject({ metadata: { name: 'conf', namespace } });
    expect((await core.readNamespacedConfigMap({ name: 'conf', namespace })).data).toEqual({ value: 'one' });
    expect((await update('conf', 'two')).data).toEqual({ value: 'two' });
    const patch = { name: 'conf', namespace, body: { data: { other: 'three' } } };
    const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
    expect((await core.patchNamespacedConfigMap(patch, merge)).data).toEqual({
      value: 'two',
      other: 'three',
    });
    expect((await list(core)()).items.map(({ metadata }) => metadata?.name)).toEqual(['conf']);
    await remove('conf');
    expect((await list(core)()).items).toEqual([]);
  });

  it('gives dates as dates, and pods and nodes with all their fields', async () => {
    const { core } = client();
    const pod = await core.readNamespacedPod({ name: 'web-1', namespace });
    expect(pod.metadata?.creationTimestamp).toBeInstanceOf(Date);
    expect(pod).toMatchObject({ spec: { nodeName: 'node-1' }, status: { phase: 'Running' } });
    expect((await core.listNode()).items.map(({ metadata }) => metadata?.name)).toEqual(['node-1', 'node-2']);
  });

  it('lists in pages, and takes up a list whose version is gone (410)', async () => {
    const { core } = client();
    const page = (continueFrom = ''): ReturnType<CoreV1Api['listNamespacedConfigMap']> =>
      core.listNamespacedConfigMap({
        ...{ namespace, labelSelector: 'made=here', limit: 2 },
        ...(continueFrom === '' ? {} : { _continue: continueFrom }),
      });
    for (const name of ['a', 'b', 'c', 'd']) await create(name, 'one');
    const first = await page();
    await update('d', 'two');
    const second = await page(first.metadata?._continue);
    expect([first, second].map(({ items }) => items.map(nameOf))).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    expect(second.items[1]?.data).toEqual({ value: 'one' });
    client().cluster.store.compact();
    const expired = await page(first.metadata?._continue).catch((caught: unknown) => caught);
    expect(expired).toBeInstanceOf(ApiException);
    const { body, code } = expired as ApiException<string>;
    expect(code).toBe(410);
    const { metadata } = JSON.parse(body) as { metadata: { continue: string } };
    const rest = await page(metadata.continue);
    expect(rest.items.map(({ data }) => data?.['value'])).toEqual(['one', 'two']);
  });

  it('runs a pod to its readiness, and deletes it', async () => {
    const { core } = client();
    const containers = [{ name: 'web', image: 'konnsim/web' }];
    const body = { metadata: { name: 'made' }, spec: { containers, terminationGracePeriodSeconds: 1 } };
    await core.createNamespacedPod({ namespace, body });
    const ready = async (): Promise<string | undefined> => {
      const { status } = await core.readNamespacedPod({ name: 'made', namespace });
      return status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    };
    await expect.poll(ready).toBe('True');
    await core.deleteNamespacedPod({ name: 'made', namespace });
    await expect
      .poll(async () => (await core.listNamespacedPod({ namespace })).items.map(nameOf))
      .not.toContain('made');
  });

  it.each([
    [
      'reading what is not there',
      404,
      'NotFound',
      () => client().core.readNamespacedConfigMap({ name: 'zap', namespace }),
    ],
    [
      'a second of the same name',
      409,
      'AlreadyExists',
      () => create('twice', 'a').then(() => create('twice', 'b')),
    ],
    ['a name that is none', 422, 'Invalid', () => create('No Name', 'a')],
  ])('fails with a Status: %s', async (_what, code, reason, call) => {
    const error = await call().then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(ApiException);
    const { body, ...exception } = error as ApiException<string>;
    expect(exception.code).toBe(code);
    expect(JSON.parse(body)).toMatchObject({ kind: 'Status', status: 'Failure', code, reason });
  });
});

function nameOf({ metadata }: { metadata?: { name?: string } }): string | undefined {
  return metadata?.name;
}

describe('Watch of the official JavaScript client', () => {
  it('tells of every change, in order, until it is aborted', async () => {
    const seen: string[] = [];
    const watch = new Watch(client().config);
    const { metadata } = await list(client().core)();
    const query = { resourceVersion: metadata?.resourceVersion, labelSelector: 'made=here' };
    let finish: (error: unknown) => void = () => undefined;
    const done = soon((resolve) => {
      finish = resolve;
    }, 'end of the watch');
    const tell = (phase: string, object: V1ConfigMap): void => {
      seen.push(`${phase} ${object.metadata?.name ?? ''} ${object.data?.['value'] ?? ''}`);
    };
    const controller = await watch.watch(path, query, tell, finish);
    await create('conf', 'one');
    await update('conf', 'two');
    await remove('conf');
    await expect.poll(() => seen).toEqual(['ADDED conf one', 'MODIFIED conf two', 'DELETED conf two']);
    controller.abort();
    expect(await done).toMatchObject({ name: 'AbortError' });
  });
});

type MapInformer = Informer<V1ConfigMap> & ObjectCache<V1ConfigMap>;

describe('an informer of the official JavaScript client', () => {
  /** An informer that goes on after an error, as its documentation asks users to do. */
  function startedInformer(): { informer: MapInformer; events: string[]; start: () => Promise<void> } {
    const events: string[] = [];
    const { config, core } = client();
    const informer = makeInformer(config, path, list(core), 'made=here');
    for (const verb of ['add', 'update', 'delete'] as const) {
      informer.on(verb, ({ metadata, data }) => {
        events.push(`${verb} ${metadata?.name ?? ''} ${data?.['value'] ?? ''}`);
      });
    }
    informer.on('connect', () => events.push('connect'));
    return { informer, events, start: () => informer.start() };
  }

  it('holds what the API holds', async () => {
    await create('before', 'one');
    const { informer, events, start } = startedInformer();
    await start();
    await create('after', 'two');
    await update('before', 'three');
    await remove('after');
    await expect
      .poll(() => events)
      .toEqual(['connect', 'add before one', 'add after two', 'update before three', 'delete after two']);
    expect(informer.list().map(nameOf)).toEqual(['before']);
    await informer.stop();
  });

  it('goes on where it was when the façade has been killed and is back', async () => {
    const { lab } = client().cluster;
    const { informer, events, start } = startedInformer();
    const again = (error?: unknown): void => {
      events.push(`error ${error instanceof Error ? error.name : String(error)}`);
    };
    informer.on('error', again);
    await start();
    await create('conf', 'one');
    await expect.poll(() => events).toEqual(['connect', 'add conf one']);
    const api = lab.part('apiserver/main');
    await api.kill();
    await expect.poll(() => events.at(-1)).toMatch(/^error /);
    await api.start();
    await update('conf', 'two');
    await start();
    await expect.poll(() => events.slice(-2)).toEqual(['connect', 'update conf two']);
    await informer.stop();
  });

  it('lists anew when its version is gone (410), and tells what changed meanwhile', async () => {
    const { store } = client().cluster;
    const { informer, events, start } = startedInformer();
    await start();
    await create('old', 'one');
    await create('kept', 'one');
    await expect.poll(() => events).toHaveLength(3);
    await informer.stop();
    await remove('old');
    await update('kept', 'two');
    await create('new', 'one');
    store.compact();
    events.length = 0;
    await start();
    await expect.poll(() => new Set(informer.list().map(nameOf))).toEqual(new Set(['kept', 'new']));
    expect(events.filter((event) => event !== 'connect')).toEqual([
      'delete old one',
      'update kept two',
      'add new one',
    ]);
    // The first connection is refused with 410, the second follows the new list.
    expect(events.filter((event) => event === 'connect')).toHaveLength(2);
    await update('new', 'two');
    await expect.poll(() => events.at(-1)).toBe('update new two');
    await informer.stop();
  });
});
