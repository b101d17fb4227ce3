import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { coreResource } from '../../../src/apiserver/resources/catalogue.js';
import { failureText } from '../../../src/apiserver/store/remote/store-call.js';
import { currentHandles, expectNoNewHandles, type Handles } from '../../support/handles.js';
import { eventually } from '../../support/waits.js';
import { type Credentials, call, jsonLines, makeCredentials, open, type TestApi } from './fixture.js';
import { pod } from './objects.js';
import { mergePatch, send } from './send-body.js';
import { makeStoreKeys, StoreBench, type StoreKeys } from './store-fixture.js';

const maps = '/api/v1/namespaces/default/configmaps';
const pods = coreResource('pods');
const map = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});

let credentials: Credentials;
let keys: StoreKeys;
beforeAll(async () => {
  credentials = await makeCredentials();
  keys = await makeStoreKeys(credentials);
});

let before: Handles;
let bench: StoreBench;
let one: Awaited<ReturnType<StoreBench['replica']>>;
let two: typeof one;
beforeEach(async () => {
  before = currentHandles();
  bench = new StoreBench(credentials, keys);
  await bench.start();
  [one, two] = await Promise.all([bench.replica('one'), bench.replica('two')]);
});
afterEach(async () => {
  await bench.close();
  await expectNoNewHandles(before);
});

const ready = (): Promise<void> =>
  eventually(() => expect([one.mirror.isAway, two.mirror.isAway]).toEqual([false, false]));
const away = (): Promise<void> =>
  eventually(() => expect([one.mirror.isAway, two.mirror.isAway]).toEqual([true, true]));

interface Shown {
  readonly metadata: { readonly resourceVersion: string };
  readonly data: Record<string, string>;
}

describe('replicas that share a store', () => {
  it('show at once what was written at another', async () => {
    for (let round = 0; round < 5; round++) {
      const name = `map-${round}`;
      expect((await send(one, 'POST', maps, map(name))).status).toBe(201);
      expect((await call(two, `${maps}/${name}`)).status).toBe(200);
      expect((await send(two, 'DELETE', `${maps}/${name}`)).status).toBe(200);
      expect((await call(one, `${maps}/${name}`)).status).toBe(404);
    }
  });

  it('create an object only once', async () => {
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(
        [one, two, one, two].map((replica) => send(replica, 'POST', maps, map(`map-${round}`))),
      );
      expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409, 409, 409]);
      const refused = answers.find(({ status }) => status === 409);
      expect(refused?.json()).toMatchObject({ reason: 'AlreadyExists' });
    }
  });

  it('all refuse a stale revision', async () => {
    const first = (await send(one, 'POST', maps, map('a'))).json<Shown>();
    await send(two, 'PATCH', `${maps}/a`, { data: { by: 'two' } }, mergePatch);
    const stale = { ...map('a', { by: 'one' }), metadata: { ...first.metadata, name: 'a' } };
    for (const replica of [one, two]) {
      const answer = await send(replica, 'PUT', `${maps}/a`, stale);
      expect(answer.json()).toMatchObject({ code: 409, reason: 'Conflict' });
    }
    expect((await call(one, `${maps}/a`)).json<Shown>().data).toEqual({ by: 'two' });
  });

  it('lose no update when writes race', async () => {
    await send(one, 'POST', maps, map('a', { count: '0' }));
    /** Reads, adds one, writes with the revision that was read, and starts again after a conflict. */
    const add = async (replica: TestApi): Promise<string> => {
      for (;;) {
        const read = (await call(replica, `${maps}/a`)).json<Shown>();
        const data = { count: String(Number(read.data['count']) + 1) };
        const answer = await send(replica, 'PUT', `${maps}/a`, { ...read, data });
        if (answer.status === 200) return answer.json<Shown>().metadata.resourceVersion;
        expect(answer.status).toBe(409);
      }
    };
    const revisions = await Promise.all(Array.from({ length: 8 }, (_, turn) => add(turn % 2 ? one : two)));
    expect(new Set(revisions).size).toBe(8);
    for (const replica of [one, two])
      expect((await call(replica, `${maps}/a`)).json<Shown>().data).toEqual({ count: '8' });
  });

  it('lose no successful patch and no deletion', async () => {
    await send(one, 'POST', maps, map('a'));
    const patches = await Promise.all(
      Array.from({ length: 8 }, async (_, turn) => {
        const key = `key-${turn}`;
        const { status } = await send(
          turn % 2 ? one : two,
          'PATCH',
          `${maps}/a`,
          { data: { [key]: '' } },
          mergePatch,
        );
        expect([200, 409]).toContain(status);
        return status === 200 ? [key] : [];
      }),
    );
    expect(Object.keys((await call(two, `${maps}/a`)).json<Shown>().data).sort()).toEqual(
      patches.flat().sort(),
    );
    const ends = await Promise.all([one, two].map((replica) => send(replica, 'DELETE', `${maps}/a`)));
    expect(ends.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 404]);
  });

  it('send watches the changes of all replicas, in order, also from a revision of another replica', async () => {
    const start = (await send(one, 'POST', maps, map('a'))).json<Shown>().metadata.resourceVersion;
    const lines = jsonLines(await open(two, `${maps}?watch=true&resourceVersion=${start}`));
    await send(one, 'PATCH', `${maps}/a`, { data: { x: '1' } }, mergePatch);
    await send(two, 'POST', maps, map('b'));
    await send(one, 'DELETE', `${maps}/a`);
    const seen: string[] = [];
    for (let count = 0; count < 3; count++) {
      const { type, object } = (await lines.next()).value as {
        type: string;
        object: { metadata: { name: string } };
      };
      seen.push(`${type} ${object.metadata.name}`);
    }
    expect(seen).toEqual(['MODIFIED a', 'ADDED b', 'DELETED a']);
  });

  it('see the work of the store’s controllers', async () => {
    await send(one, 'POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'team' },
    });
    await eventually(async () =>
      expect((await call(two, '/api/v1/namespaces/team/serviceaccounts/default')).status).toBe(200),
    );
    await send(two, 'DELETE', '/api/v1/namespaces/team');
    await eventually(async () => expect((await call(one, '/api/v1/namespaces/team')).status).toBe(404));
  });

  it('are counted by the store while they are connected', async () => {
    expect(bench.followers).toBe(2);
    two.mirror.close();
    await eventually(() => expect(bench.followers).toBe(1));
  });

  it('need the certificate of a replica', async () => {
    const stranger = bench.mirror('stranger', keys.stranger);
    await expect(stranger.ready(300)).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
    expect(bench.events).toContainEqual(
      expect.objectContaining({
        kind: 'peer.refused',
        error: 'client certificate: "system:node:node-1" may not connect here',
      }),
    );
  });
});

describe('without their store, replicas', () => {
  it('continue reading and watching, refuse writes in kube-apiserver’s words, are not ready, and recover', async () => {
    await send(one, 'POST', maps, map('a'));
    const lines = jsonLines(await open(two, `${maps}?watch=true&resourceVersion=${bench.store.revision}`));
    await bench.stop();
    await away();
    expect((await call(one, `${maps}/a`)).status).toBe(200);
    const refused = await send(one, 'POST', maps, map('b'));
    expect(refused.status).toBe(500);
    expect(refused.json()['message']).toMatch(/^rpc error: code = Unavailable desc = /);
    const page = await call(one, '/readyz');
    expect([page.status, page.text]).toEqual([
      500,
      '[+]ping ok\n[-]etcd failed: reason withheld\n[+]shutdown ok\nreadyz check failed\n',
    ]);
    await bench.start();
    await ready();
    expect((await call(one, '/readyz')).text).toBe('ok');
    await send(one, 'POST', maps, map('c'));
    expect((await lines.next()).value).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'c' } } });
    expect(bench.events.filter(({ kind }) => kind === 'store.connected').map(({ text }) => text)).toEqual([
      expect.stringMatching(/^listed \d+ objects$/),
      expect.stringMatching(/^listed \d+ objects$/),
      'continues where it was',
      'continues where it was',
    ]);
  });

  it('catch up with the changes in the meantime', async () => {
    const start = bench.store.revision;
    const lines = jsonLines(await open(two, `/api/v1/pods?watch=true&resourceVersion=${start}`));
    await bench.stop();
    await away();
    bench.store.put(pod({ name: 'meanwhile' }));
    await bench.start();
    expect((await lines.next()).value).toMatchObject({
      type: 'ADDED',
      object: { metadata: { name: 'meanwhile' } },
    });
    expect(two.mirror.revision).toBe(bench.store.revision);
  });

  it('list again when they missed too much, and end watches with 410', async () => {
    const lines = jsonLines(
      await open(two, `/api/v1/pods?watch=true&resourceVersion=${bench.store.revision}`),
    );
    await bench.stop();
    await away();
    bench.store.put(pod({ name: 'meanwhile' }));
    bench.store.compact();
    await bench.start();
    expect((await lines.next()).value).toMatchObject({
      type: 'ERROR',
      object: { code: 410, reason: 'Expired' },
    });
    expect(two.mirror.list(pods)).toHaveLength(1);
  });

  it('take the objects of another store, although its revisions are smaller', async () => {
    for (let count = 0; count < 50; count++) await send(one, 'POST', maps, map(`map-${count}`));
    const lines = jsonLines(await open(two, `${maps}?watch=true&resourceVersion=${bench.store.revision}`));
    await bench.stop();
    bench.lose();
    await bench.start();
    expect((await lines.next()).value).toMatchObject({ type: 'ERROR', object: { code: 410 } });
    await ready();
    for (const replica of [one, two]) expect((await call(replica, maps)).json()).toMatchObject({ items: [] });
  });
});

describe('a failed call to the store', () => {
  const failure = (code: number, details: string) =>
    Object.assign(new Error(), { code, details }) as Parameters<typeof failureText>[0];

  it.each([
    [
      14,
      'No connection established. Last error: Error: connect ECONNREFUSED 10.0.0.1:2379. Resolution note: ',
      'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp store:2379: connect: connection refused"',
    ],
    [
      14,
      'Connection dropped',
      'rpc error: code = Unavailable desc = error reading from server: Connection dropped',
    ],
    [4, 'Deadline exceeded after 7.000s', 'etcdserver: request timed out'],
    [3, 'no kind Gadget in v1 is served', 'no kind Gadget in v1 is served'],
  ])('with status %d is told as grpc-go tells it', (code, details, text) => {
    expect(failureText(failure(code, details), 'store:2379')).toBe(text);
  });
});
