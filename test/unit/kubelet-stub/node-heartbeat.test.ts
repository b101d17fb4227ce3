import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRealClock } from '../../../src/core/clock.js';
import { KubeClient } from '../../../src/kube/kube-client.js';
import { NodeHeartbeat } from '../../../src/kubelet-stub/pod-source/node-heartbeat.js';
import { KubeApiServer, refuse } from '../../support/kube-api-server.js';
import { until } from '../../support/waits.js';
import { node } from './kubelet-with-api.js';

const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
const lease = `${leases}/node-1`;

let api: KubeApiServer;
let client: KubeClient;
let heartbeat: NodeHeartbeat;
let closing: AbortController;

beforeEach(async () => {
  api = await KubeApiServer.start();
  const access = { server: new URL(api.url), tls: () => ({}), headers: () => ({}) };
  client = new KubeClient({ access, clock: createRealClock(), limit: { qps: -1, burst: 0 } });
  closing = new AbortController();
  const { signal } = closing;
  // Ten seconds of it pass in a twentieth of one.
  const clock = createRealClock(200);
  heartbeat = new NodeHeartbeat({ client, node, clock, now: Date.now, failed: () => undefined, signal });
});
afterEach(async () => {
  closing.abort();
  await heartbeat.ended;
  await client.close();
  await api.close();
});

const calls = (): readonly string[] =>
  api.seen.filter(({ url }) => url.pathname.startsWith(leases)).map(({ method }) => method);

describe('the lease of a node', () => {
  it('is read once, then renewed by one request each time, and read again when another party has changed it', async () => {
    await until(() => calls().length >= 5, { seen: calls });
    expect(calls().slice(0, 5)).toEqual(['GET', 'POST', 'PUT', 'PUT', 'PUT']);
    const [found] = api.items(leases);
    if (found === undefined) throw new Error('no lease');
    const since = calls().length;
    api.put(lease, { ...found, metadata: { ...found.metadata, labels: { by: 'another' } } });
    const after = (): string => calls().slice(since).join(' ');
    await until(() => after().includes('GET PUT PUT'), { seen: calls });
    expect(after()).toMatch(/^(PUT )+GET( PUT)+$/);
    const labels = api.items(leases)[0]?.metadata.labels;
    expect(labels).toEqual({ by: 'another' });
  });

  it('is made again when it was deleted, whatever the API says of an update without it', async () => {
    await until(() => calls().includes('PUT'), { seen: calls });
    api.intercept = ({ method }, response) => {
      if (method !== 'PUT' || api.items(leases).length > 0) return false;
      refuse(response, 400, 'BadRequest');
      return true;
    };
    const since = calls().length;
    api.remove(lease);
    const after = (): string => calls().slice(since).join(' ');
    await until(() => after().includes('GET POST PUT'), { seen: calls });
    expect(after()).toMatch(/^(PUT )+GET POST( PUT)+$/);
  });
});
