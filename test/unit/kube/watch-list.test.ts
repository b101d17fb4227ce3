import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import { createRandom } from '../../../src/core/random.js';
import { KubeClient } from '../../../src/kube/kube-client.js';
import { isLeaseValid, type Lease, leases } from '../../../src/kube/lease.js';
import { microTime } from '../../../src/kube/time.js';
import { TokenBucket } from '../../../src/kube/token-bucket.js';
import { WatchBackoff } from '../../../src/kube/watch-backoff.js';
import { WatchList, type WatchListOptions } from '../../../src/kube/watch-list.js';
import { CountingClock } from '../../support/counting-clock.js';
import { currentHandles, expectNoNewHandles, type Handles } from '../../support/handles.js';
import { KubeApiServer, refuse } from '../../support/kube-api-server.js';
import { eventually } from '../../support/waits.js';

const namespace = 'ns';
const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
/** A clock that turns pauses of seconds into milliseconds. */
const timeScale = 100;

let api: KubeApiServer;
let clock: CountingClock;
let kube: KubeClient;
let before: Handles;
let watched: WatchList<Lease> | undefined;
const changes: string[] = [];
const failures: string[] = [];
const calls: string[] = [];

beforeEach(async () => {
  before = currentHandles();
  for (const list of [changes, failures, calls]) list.splice(0);
  clock = new CountingClock(timeScale);
  api = await KubeApiServer.start();
  const access = { server: new URL(api.url), tls: () => ({}), headers: () => ({}) };
  kube = new KubeClient({ access, clock, limit: { qps: -1, burst: 0 }, timeoutMs: 1_000_000 });
});
afterEach(async () => {
  await watched?.close();
  await kube.close();
  await api.close();
  expect(clock.pendingTimers).toBe(0);
  await expectNoNewHandles(before);
});

function watch(over: Partial<WatchListOptions<Lease>> = {}): WatchList<Lease> {
  watched = new WatchList<Lease>({
    ...{ client: kube, target: { resource: leases, namespace }, clock, random: createRandom(1) },
    changed: ({ type, object }) => changes.push(`${type} ${object.metadata.name}`),
    failed: ({ message }) => failures.push(message),
    called: ({ verb, code, reason }) => calls.push([verb, code, reason].join(' ').trim()),
    ...over,
  });
  return watched;
}

const put = (name: string): unknown => api.put(`${collection}/${name}`, { metadata: { name, namespace } });
const saw = (change: string): Promise<void> => eventually(() => expect(changes).toContain(change));

describe('a watched list', () => {
  it('holds the listed objects, then applies their changes', async () => {
    put('a');
    const list = watch();
    await list.synced;
    expect(list.items.map(({ metadata }) => metadata.name)).toEqual(['a']);
    await eventually(() => expect(api.openWatches).toBe(1));
    put('b');
    put('a');
    api.remove(`${collection}/b`);
    await saw('deleted b');
    expect(changes).toEqual(['added a', 'added b', 'modified a', 'deleted b']);
    expect(list.items.map(({ metadata }) => metadata.name)).toEqual(['a']);
    expect(calls).toEqual(['list 200', 'watch 200']);
  });

  it('continues where a watch ended, without a new list', async () => {
    watch();
    await eventually(() => expect(api.openWatches).toBe(1));
    put('a');
    await saw('added a');
    api.endWatches();
    put('b');
    await saw('added b');
    expect(calls.filter((call) => call.startsWith('list'))).toHaveLength(1);
    expect(failures).toEqual([]);
  });

  it('lists again when it has missed too much; that is not a failure', async () => {
    put('a');
    watch();
    await eventually(() => expect(api.openWatches).toBe(1));
    api.intercept = ({ url }) => {
      // The new list shows what was deleted while there was no watch.
      if (!url.searchParams.has('watch')) api.remove(`${collection}/a`);
      return false;
    };
    api.endWatches({
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' },
    });
    await saw('deleted a');
    expect(failures).toEqual([]);
  });

  it('reports failures in the API’s words and tries again, with longer pauses', async () => {
    const times: number[] = [];
    api.intercept = (_seen, response) => {
      times.push(clock.now());
      if (times.length > 3) return false;
      refuse(response, 403, 'Forbidden', 'leases is forbidden');
      return true;
    };
    await watch().synced;
    expect(failures).toEqual(Array(3).fill('leases is forbidden'));
    expect(calls.slice(0, 4)).toEqual([...Array(3).fill('list 403 Forbidden'), 'list 200']);
    const pauses = times.slice(1, 4).map((time, index) => time - (times[index] ?? 0));
    expect(pauses[0]).toBeGreaterThanOrEqual(800);
    expect(pauses[2]).toBeGreaterThanOrEqual(3200);
  });

  it('survives cut connections and an API that is away for a while', async () => {
    watch();
    await eventually(() => expect(api.openWatches).toBe(1));
    const { port } = api;
    api.cutConnections();
    await api.close();
    await eventually(() => expect(failures.at(-1)).toMatch(/connection refused/));
    api = await KubeApiServer.start(undefined, port);
    put('a');
    await saw('added a');
  });

  it('treats a watch that is silent for too long as broken', async () => {
    watch({ idleTimeoutMs: 5000 });
    await eventually(() => expect(calls.length).toBeGreaterThan(2));
    expect(failures[0]).toBe('the watch was silent for too long');
    expect(calls.slice(0, 3)).toEqual(['list 200', 'watch 200', 'list 200']);
  });

  it('does not ask without a pause when watches end at once', async () => {
    let watches = 0;
    api.intercept = ({ url }, response) => {
      if (!url.searchParams.has('watch')) return false;
      watches += 1;
      response.writeHead(200).end();
      return true;
    };
    watch({ clock: new CountingClock() });
    await eventually(() => expect(failures[0]).toMatch(/very short watch/));
    expect(watches).toBe(1);
  });

  it('can be closed at any moment', async () => {
    api.intercept = () => true;
    const list = watch();
    await eventually(() => expect(api.seen).toHaveLength(1));
    await list.close();
    expect([list.hasSynced, failures]).toEqual([false, []]);
  });
});

describe('the pauses of a watched list', () => {
  it('double up to half a minute, times a random factor up to two, and start again after a reset', () => {
    const backoff = new WatchBackoff({ next: () => 0, below: () => 0, int63: () => 1n });
    const six = Array.from({ length: 7 }, () => backoff.nextMs());
    expect(six).toEqual([800, 1600, 3200, 6400, 12_800, 25_600, 30_000]);
    backoff.reset();
    expect(backoff.nextMs()).toBe(800);
  });
});

describe('a token bucket', () => {
  it('allows a burst at once, then one turn after another, and no turn that comes too late', () => {
    const manual = new ManualClock();
    const bucket = new TokenBucket({ qps: 5, burst: 2 }, manual);
    const turns = [1, 2, 3, 4].map(() => bucket.take(1000));
    expect(turns).toEqual([0, 0, 200, 400]);
    expect(bucket.take(500)).toBeUndefined();
    manual.advance(10_000);
    expect([bucket.take(0), bucket.take(0), bucket.take(0)]).toEqual([0, 0, undefined]);
  });
});

describe('a lease', () => {
  const now = Date.parse('2026-03-01T12:00:30Z');
  const lease = (spec: Lease['spec']): Lease => ({ metadata: { name: 'l' }, ...(spec && { spec }) });

  it.each<[Lease['spec'], boolean]>([
    [{ renewTime: '2026-03-01T12:00:00.000001Z', leaseDurationSeconds: 31 }, true],
    [{ renewTime: '2026-03-01T12:00:00.000000Z', leaseDurationSeconds: 30 }, false],
    [{ acquireTime: '2026-03-01T14:00:20.5+02:00', leaseDurationSeconds: 10 }, true],
    [
      { renewTime: '2026-03-01T11:00:00Z', acquireTime: '2026-03-01T12:00:29Z', leaseDurationSeconds: 30 },
      false,
    ],
    [{ renewTime: '2026-03-01T12:00:30Z' }, false],
    [{ leaseDurationSeconds: 1000 }, false],
    [{ renewTime: 'yesterday', leaseDurationSeconds: 1e9 }, false],
    [undefined, false],
  ])('with %o stands: %s', (spec, valid) => {
    expect(isLeaseValid(lease(spec), now)).toBe(valid);
  });

  it('has times of six digits, as Go needs them', () => {
    expect(microTime(now + 7)).toBe('2026-03-01T12:00:30.007000Z');
  });
});
