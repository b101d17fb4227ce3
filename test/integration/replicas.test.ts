import { request } from 'node:https';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRealClock } from '../../src/core/clock.js';
import { type Lab, startLab } from '../../src/index.js';
import { KubeClient } from '../../src/kube/kube-client.js';
import type { KubeObject, ResourceTarget } from '../../src/kube/objects.js';
import { soon, until, waitMs } from '../support/waits.js';

const configMaps: ResourceTarget = {
  resource: { group: '', version: 'v1', plural: 'configmaps' },
  namespace: 'default',
};

function clientOf(lab: Lab, url = lab.apiServerUrl): KubeClient {
  const { ca, leaves } = lab.certificates;
  const tls = { ca: ca.certPem, cert: leaves.admin.certPem, key: leaves.admin.keyPem };
  return new KubeClient({
    access: { server: new URL(url), tls: () => tls, headers: () => ({}) },
    clock: createRealClock(),
    limit: { qps: -1, burst: 1 },
    timeoutMs: 5000,
  });
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

/** Sends a request to one replica, on a new connection; a POST when there is a body. */
function ask({ certificates: { ca, leaves } }: Lab, url: string, body?: object): Promise<Answer> {
  const tls = { ca: ca.certPem, cert: leaves.admin.certPem, key: leaves.admin.keyPem, agent: false as const };
  const headers = { 'content-type': 'application/json' };
  return soon((resolve, reject) => {
    const call = request(
      url,
      { ...tls, headers, method: body === undefined ? 'GET' : 'POST' },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => resolve({ status: response.statusCode, body: text }));
      },
    );
    call.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
  }, `answer of ${url}`);
}

/** How a watch of config maps ends: undefined in order, or the error's text. */
async function watchEnd(client: KubeClient, began: () => void): Promise<string | undefined> {
  try {
    const events = await client.watch(configMaps, { resourceVersion: '0' });
    began();
    for await (const event of events) void event;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The replica that has an open watch for `verb`'s last request. */
function servedBy(lab: Lab, since: number): string {
  const event = lab.events().findLast(({ seq, kind, node }) => {
    return seq > since && kind === 'request.started' && node.startsWith('apiserver/');
  });
  return event?.node ?? '';
}

describe('three replicas of the API', () => {
  let lab: Lab;
  let client: KubeClient;
  const extra: KubeClient[] = [];

  beforeAll(async () => {
    lab = await startLab({ nodes: 1, apiservers: 3, controller: true });
    process.stderr.write(`seed ${lab.seed}\n`);
    client = clientOf(lab);
  });
  afterEach(async () => {
    for (const each of extra.splice(0)) await each.close();
    for (let number = 1; number <= 3; number++) await lab.apiserver(number).start();
  });
  afterAll(async () => {
    await client.close();
    await lab.stop();
  });

  async function openWatch(): Promise<{
    readonly end: Promise<string | undefined>;
    readonly number: number;
  }> {
    const own = clientOf(lab);
    extra.push(own);
    const since = lab.mark();
    let began: () => void = () => undefined;
    const open = soon<void>((resolve) => (began = resolve), 'watch');
    const end = watchEnd(own, began);
    await open;
    return { end, number: Number(servedBy(lab, since).at(-1)) };
  }

  it('share their objects and their token keys, behind one address', async () => {
    const one = clientOf(lab, lab.apiserver(1).url);
    const two = clientOf(lab, lab.apiserver(2).url);
    extra.push(one, two);
    await one.create(configMaps, { metadata: { name: 'shared' }, data: { a: 'b' } });
    expect(await two.get({ ...configMaps, name: 'shared' })).toMatchObject({ data: { a: 'b' } });
    const api = 'authentication.k8s.io/v1';
    const path = '/api/v1/namespaces/default/serviceaccounts/default/token';
    const wanted = { apiVersion: api, kind: 'TokenRequest', spec: {} };
    const made = await ask(lab, `${lab.apiserver(1).url}${path}`, wanted);
    const { token } = (JSON.parse(made.body) as { status: { token: string } }).status;
    const review = { apiVersion: api, kind: 'TokenReview', spec: { token } };
    const reviewed = await ask(lab, `${lab.apiserver(2).url}/apis/${api}/tokenreviews`, review);
    expect(JSON.parse(reviewed.body)).toMatchObject({ status: { authenticated: true } });
  });

  it('are one endpoint of the kubernetes Service, whose first address of the range leads there', async () => {
    const { port, host } = new URL(lab.apiServerUrl);
    const object = (plural: string, group = ''): Promise<KubeObject> =>
      client.get({ resource: { group, version: 'v1', plural }, namespace: 'default', name: 'kubernetes' });
    expect(await object('services')).toMatchObject({ spec: { clusterIP: '10.96.0.1' } });
    const wanted = { addresses: [{ ip: '127.0.0.1' }], ports: [{ name: 'https', port: Number(port) }] };
    const check = async (): Promise<void> => {
      expect(await object('endpoints')).toMatchObject({ subsets: [wanted] });
      const slice = await object('endpointslices', 'discovery.k8s.io');
      expect(slice).toMatchObject({
        endpoints: [{ addresses: ['127.0.0.1'] }],
        ports: [{ port: Number(port) }],
      });
    };
    await check();
    await lab.apiservers.resize(2);
    await check();
    await lab.apiservers.resize(3);
    expect(new URL(lab.apiServerUrl).host).toBe(host);
    const socket = await lab.dial('10.96.0.1', 443);
    socket.destroy();
  });

  it('cut a watch when one dies; the others answer at once', async () => {
    const { end, number } = await openWatch();
    const other = await openWatch();
    await lab.apiserver(number).kill();
    expect(await end).toMatch(/aborted|unexpected EOF|reset/i);
    await client.list(configMaps);
    expect(lab.apiserver(number).running).toBe(false);
    await lab.apiserver(other.number).kill({ connections: 'reset' });
    expect(await other.end).toMatch(/aborted|reset/i);
  });

  it('end watches in order in a roll, after the delay in which only readyz fails', async () => {
    const { end, number } = await openWatch();
    const replica = lab.apiserver(number);
    const { url } = replica;
    const mark = lab.mark();
    // Long enough for the questions below on a busy machine.
    const rolled = replica.roll({ delayMs: 2000 });
    await lab.waitFor({ kind: 'apiserver.leaving', node: replica.name }, { since: mark, withinMs: waitMs });
    const ready = await ask(lab, `${url}/readyz`);
    expect(ready.status).toBe(500);
    expect(ready.body).toContain('[-]shutdown failed: reason withheld');
    expect((await ask(lab, `${url}/livez`)).body).toBe('ok');
    expect(await end).toBeUndefined();
    await rolled;
    expect((await ask(lab, `${replica.url}/readyz`)).status).toBe(200);
  });

  it('can all be rolled while requests that retry lose nothing', async () => {
    let rolling = true;
    const made: string[] = [];
    const write = async (): Promise<void> => {
      for (let number = 0; rolling; number++) {
        const name = `roll-${number}`;
        // A retry may meet what the try before has made.
        for (;;) {
          const done = await client.create(configMaps, { metadata: { name } }).then(
            () => true,
            (error: unknown) => /already exists/.test(String(error)),
          );
          if (done) break;
        }
        made.push(name);
      }
    };
    const writing = write();
    try {
      for (const number of [1, 2, 3]) {
        const before = made.length;
        await lab.apiserver(number).roll({ delayMs: 50 });
        await until(() => made.length > before + 1, { seen: () => made });
      }
    } finally {
      rolling = false;
    }
    await writing;
    const { items } = await client.listAll(configMaps);
    const names = new Set(items.map(({ metadata }) => metadata.name));
    expect(made.length).toBeGreaterThan(3);
    expect(made.filter((name) => !names.has(name))).toEqual([]);
  });

  it('are left by a controller that goes on where it stood', async () => {
    const watch = lab.watch('configmaps');
    await watch.synced;
    await client.create(configMaps, { metadata: { name: 'before' } });
    const mark = lab.mark();
    for (const number of [1, 2, 3]) await lab.apiserver(number).restart();
    const broken = await lab.waitFor(
      { kind: 'watch.broken', resource: 'configmaps' },
      { since: mark, withinMs: waitMs },
    );
    const resumed = await lab.waitFor(
      { kind: 'watch.resumed', resource: 'configmaps' },
      { since: broken.seq, withinMs: waitMs },
    );
    expect(broken.error).toBeDefined();
    expect(resumed.resourceVersion).toBe(broken.resourceVersion);
    expect(resumed.blindMs).toBeGreaterThan(0);
    await watch.close();
  });

  it('are listed anew by a controller that missed too much', async () => {
    const watch = lab.watch('configmaps');
    await watch.synced;
    const { store } = lab['insides'];
    const mark = lab.mark();
    const killed = [1, 2, 3].map((number) => lab.apiserver(number).kill());
    await Promise.all(killed);
    const metadata = {
      name: 'missed',
      namespace: 'default',
      uid: 'u-1',
      creationTimestamp: '2026-01-01T00:00:00Z',
    };
    store.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata });
    store.compact();
    for (const number of [1, 2, 3]) await lab.apiserver(number).start();
    await lab.waitFor({ kind: 'watch.relisted', resource: 'configmaps' }, { since: mark, withinMs: waitMs });
    expect(watch.items.map(({ metadata }) => metadata.name)).toContain('missed');
    await watch.close();
  });

  it('leave connections in silence when their address moves, and a controller to its own clock', async () => {
    const watch = lab.watch('configmaps', { idleTimeoutMs: 300 });
    await watch.synced;
    const { end } = await openWatch();
    const mark = lab.mark();
    await lab.apiservers.move();
    await lab.waitFor({ kind: 'apiservers.moved' }, { since: mark, withinMs: waitMs });
    const broken = await lab.waitFor(
      { kind: 'watch.broken', resource: 'configmaps' },
      { since: mark, withinMs: waitMs },
    );
    expect(broken.error).toContain('silent');
    await client.close();
    client = clientOf(lab);
    await client.list(configMaps);
    // The other one has no such clock: it hangs until somebody ends it.
    const state = await Promise.race([
      end,
      lab.waitFor({ kind: 'watch.resumed' }, { since: mark, withinMs: waitMs }),
    ]);
    expect(state).toMatchObject({ kind: 'watch.resumed' });
    await watch.close();
  });

  it('are reset when the address moves so, and the address does not answer meanwhile', async () => {
    const { end } = await openWatch();
    const moved = lab.apiservers.move({ connections: 'reset', outageMs: 200 });
    expect(await end).toMatch(/aborted|reset/i);
    await expect(ask(lab, `${lab.apiServerUrl}/readyz`)).rejects.toThrow(/ECONNREFUSED/);
    await moved;
    expect((await ask(lab, `${lab.apiServerUrl}/readyz`)).status).toBe(200);
  });

  it('reach kubelets through the tunnel, whichever is asked', async () => {
    for (const number of [1, 2, 3]) {
      const own = clientOf(lab, lab.apiserver(number).url);
      extra.push(own);
      const pods = { resource: { group: '', version: 'v1', plural: 'pods' }, namespace: 'default' };
      const mark = lab.mark();
      await own.get({ ...pods, name: 'web-1', subresource: 'log' }).catch(() => undefined);
      await lab.waitFor(
        { kind: 'dial.established', node: lab.apiserver(number).name },
        { since: mark, withinMs: waitMs },
      );
    }
  });

  it('can be as many as nine, and are numbered', async () => {
    await expect(startLab({ apiservers: 10 })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(lab.apiservers.resize(0)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(() => lab.apiserver(4)).toThrow('there is no API server 4; there are 3');
    expect(lab.part('apiserver/apiserver-3').running).toBe(true);
  });
});

it('a lab without replicas has the Service as well, and says that its API server cannot move', async () => {
  await using lab = await startLab({ nodes: 1 });
  const client = clientOf(lab);
  const endpoints = { resource: { group: '', version: 'v1', plural: 'endpoints' }, namespace: 'default' };
  const { port } = new URL(lab.apiServerUrl);
  expect(await client.get({ ...endpoints, name: 'kubernetes' })).toMatchObject({
    subsets: [{ ports: [{ port: Number(port) }] }],
  });
  await client.close();
  await expect(lab.apiservers.move()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  await lab.apiserver().roll();
  expect(lab.part('apiserver/main').running).toBe(true);
});
