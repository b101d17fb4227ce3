import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventBody } from '../../../src/core/events.js';
import { createRandom } from '../../../src/core/random.js';
import { KubeClient } from '../../../src/kube/kube-client.js';
import type { Lease } from '../../../src/kube/lease.js';
import { microTime } from '../../../src/kube/time.js';
import { createServerMetrics } from '../../../src/observe/server-metrics.js';
import { LeaseController } from '../../../src/server/lease-controller.js';
import { CountingClock } from '../../support/counting-clock.js';
import { currentHandles, expectNoNewHandles, type Handles } from '../../support/handles.js';
import { KubeApiServer, refuse, type Stored } from '../../support/kube-api-server.js';
import { eventually } from '../../support/waits.js';

const namespace = 'kube-system';
const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
const own = `${collection}/konnectivity-proxy-server-s1`;
const labels = { 'k8s-app': 'konnectivity-server', zone: 'a' };
/** The 15 s between two renewals pass in 150 ms. */
const timeScale = 100;

let api: KubeApiServer;
let clock: CountingClock;
let kube: KubeClient;
let before: Handles;
let controller: LeaseController | undefined;
let metrics: ReturnType<typeof createServerMetrics>;
const events: EventBody[] = [];

beforeEach(async () => {
  before = currentHandles();
  events.splice(0);
  clock = new CountingClock(timeScale);
  api = await KubeApiServer.start();
  const access = { server: new URL(api.url), tls: () => ({}), headers: () => ({}) };
  kube = new KubeClient({ access, clock, limit: { qps: -1, burst: 0 } });
  metrics = createServerMetrics(() => ({
    agents: [],
    payload: { toAgentBytes: 0, fromAgentBytes: 0 },
    stalledFrontends: 0,
    announcedServers: 1,
  }));
});
afterEach(async () => {
  await controller?.close();
  await kube.close();
  await api.close();
  expect(clock.pendingTimers).toBe(0);
  await expectNoNewHandles(before);
});

const wallTimeMs = (): number => Date.UTC(2026, 0) + clock.now();

/** With time enough for calls, unless told otherwise. */
function start(callTimeoutMs = 1_000_000): LeaseController {
  const lease = { client: kube, namespace, labels, wallTimeMs, callTimeoutMs };
  const emit = (event: EventBody): void => void events.push(event);
  const parts = { node: 'server/s1', serverId: 's1', clock, random: createRandom(1), emit, metrics };
  controller = new LeaseController({ ...parts, lease });
  return controller;
}

const stored = (): Lease | undefined =>
  api.items(collection).find(({ metadata }) => own.endsWith(metadata.name)) as Lease;
const kinds = (): string[] => events.map(({ kind }) => kind);

function foreign(name: string, agoMs: number, its: Record<string, string> = labels): Stored {
  return api.put(`${collection}/${name}`, {
    metadata: { name, namespace, labels: its },
    spec: { holderIdentity: name, leaseDurationSeconds: 30, renewTime: microTime(wallTimeMs() - agoMs) },
  });
}

describe('a server’s lease', () => {
  it('is created as by Konnectivity', async () => {
    start();
    await eventually(() => expect(kinds()).toEqual(['lease.acquired']));
    const [created] = api.seen.filter(({ method }) => method === 'POST');
    expect(created?.body).toEqual({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'konnectivity-proxy-server-s1', namespace, labels },
      spec: {
        holderIdentity: 's1',
        leaseDurationSeconds: 30,
        renewTime: expect.stringMatching(/^\d{4}-.*\.\d{3}000Z$/) as string,
      },
    });
  });

  it('is renewed every 15 s, with its labels, without asking for it first', async () => {
    start();
    const times: number[] = [];
    api.intercept = ({ method }) => {
      if (method === 'PUT') times.push(clock.now());
      return false;
    };
    await eventually(() => expect(times.length).toBe(3));
    for (const [index, time] of times.slice(1).entries()) {
      expect(time - (times[index] ?? 0)).toBeGreaterThanOrEqual(15_000);
    }
    expect(stored()?.metadata.labels).toEqual(labels);
    expect(api.seen.filter(({ method, url }) => method === 'GET' && url.pathname === own)).toHaveLength(1);
  });

  it('is taken over when it existed before', async () => {
    api.put(own, {
      metadata: { name: 'konnectivity-proxy-server-s1', namespace },
      spec: { holderIdentity: 's1' },
    });
    start();
    await eventually(() => expect(stored()?.spec?.leaseDurationSeconds).toBe(30));
    expect(api.seen.some(({ method }) => method === 'POST')).toBe(false);
  });

  it('is read again after a conflict, and created again after a removal', async () => {
    start();
    await eventually(() => expect(kinds()).toEqual(['lease.acquired']));
    api.put(own, { ...(stored() as unknown as Stored), touched: true });
    await eventually(() => expect(kinds()).toEqual(['lease.acquired', 'lease.failed', 'lease.acquired']));
    expect(stored()).toMatchObject({ touched: true });
    api.remove(own);
    await eventually(() => expect(kinds()).toHaveLength(5));
    expect(stored()).not.toMatchObject({ touched: true });
  });

  it('waits for an API that refuses or does not answer', async () => {
    let refusals = 0;
    api.intercept = (_seen, response) => {
      refusals += 1;
      if (refusals > 4) return false;
      refuse(response, 403, 'Forbidden', 'no leases for you');
      return true;
    };
    start();
    await eventually(() => expect(kinds()).toContain('lease.acquired'));
    expect(events[0]).toMatchObject({
      kind: 'lease.failed',
      code: 'API_REFUSED',
      error: 'no leases for you',
    });
  });

  it('is removed by a release, and stays after a close', async () => {
    const first = start();
    await eventually(() => expect(kinds()).toEqual(['lease.acquired']));
    await first.close();
    await first.release();
    expect(stored()).toBeDefined();
    const second = start();
    await eventually(() => expect(kinds().filter((kind) => kind === 'lease.acquired')).toHaveLength(2));
    await second.release();
    expect(stored()).toBeUndefined();
    expect(kinds().at(-1)).toBe('lease.released');
  });

  it('does not delay the end when the API is gone', async () => {
    const held = start(7000);
    await eventually(() => expect(kinds().at(-1)).toBe('lease.acquired'));
    api.intercept = () => true;
    await held.release();
    expect(events.at(-1)).toMatchObject({
      kind: 'lease.failed',
      text: 'Could not clean up lease "konnectivity-proxy-server-s1"',
    });
  });
});

describe('leases of dead servers', () => {
  it('are removed when they have expired and have all labels, in the version that was seen', async () => {
    foreign('dead', 31_000);
    foreign('alive', 1000);
    foreign('other', 99_000, { 'k8s-app': 'konnectivity-server' });
    start();
    await eventually(() => expect(kinds()).toContain('lease.collected'));
    expect(events.find(({ kind }) => kind === 'lease.collected')).toMatchObject({ lease: 'dead' });
    const names = api.items(collection).map(({ metadata }) => metadata.name);
    expect(names).toEqual(expect.arrayContaining(['alive', 'other']));
    expect(names).not.toContain('dead');
    const list = api.seen.find(({ url }) => url.pathname === collection);
    expect(list?.url.searchParams.get('labelSelector')).toBe('k8s-app=konnectivity-server,zone=a');
    expect(api.seen.find(({ method }) => method === 'DELETE')?.body).toMatchObject({
      preconditions: { resourceVersion: expect.stringMatching(/^\d+$/) as string },
    });
    const text = await metrics.text();
    expect(text).toContain('konnectivity_network_proxy_server_culled_leases_count 1');
    expect(text).toContain('lease_list_total{http_status_code="200",reason=""}');
    expect(text).toContain('lease_delete_total{http_status_code="200",reason=""} 1');
  });

  it('are left alone when they were renewed meanwhile', async () => {
    foreign('late', 31_000);
    api.intercept = ({ method }) => {
      if (method === 'DELETE') foreign('late', 0);
      return false;
    };
    start();
    await eventually(() => expect(kinds()).toContain('lease.failed'));
    expect(api.items(collection).map(({ metadata }) => metadata.name)).toContain('late');
    expect(await metrics.text()).toContain('lease_delete_total{http_status_code="409",reason="Conflict"} 1');
  });
});
