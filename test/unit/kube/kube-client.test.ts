import { getEventListeners, setMaxListeners } from 'node:events';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { KubeTls } from '../../../src/kube/access.js';
import { KubeClient } from '../../../src/kube/kube-client.js';
import { type Lease, leases } from '../../../src/kube/lease.js';
import type { RequesterOptions } from '../../../src/kube/requester.js';
import { statusOf } from '../../../src/kube/status-error.js';
import { type CertificateSet, createCertificateSet } from '../../../src/pki/certificate-set.js';
import { CountingClock } from '../../support/counting-clock.js';
import { currentHandles, expectNoNewHandles, type Handles } from '../../support/handles.js';
import { KubeApiServer, refuse } from '../../support/kube-api-server.js';
import { each, soon } from '../../support/waits.js';

const namespace = 'kube-system';
const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
const target = { resource: leases, namespace };
const noLimit = { qps: -1, burst: 0 };

let set: CertificateSet;
let api: KubeApiServer;
let clock: CountingClock;
let before: Handles;
const clients: KubeClient[] = [];

beforeAll(async () => {
  set = await createCertificateSet();
});
beforeEach(async () => {
  before = currentHandles();
  clock = new CountingClock();
  const { certPem: cert, keyPem: key } = set.leaves.apiserver;
  api = await KubeApiServer.start({
    cert,
    key,
    ca: set.ca.certPem,
    requestCert: true,
    rejectUnauthorized: false,
  });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await api.close();
  expect(clock.pendingTimers).toBe(0);
  await expectNoNewHandles(before);
});

function client(tls: KubeTls = { ca: set.ca.certPem }, over: Partial<RequesterOptions> = {}): KubeClient {
  const access = {
    server: new URL(api.url),
    tls: () => tls,
    headers: () => ({ authorization: 'Bearer secret', 'impersonate-group': ['a', 'b'] }),
  };
  const made = new KubeClient({ access, clock, limit: noLimit, ...over });
  clients.push(made);
  return made;
}

function lease(name: string, labels: Record<string, string> = {}): Lease {
  return { metadata: { name, namespace, labels }, spec: { holderIdentity: name } };
}

describe('a client of a Kubernetes API', () => {
  it('creates, gets, updates, patches and deletes over verified TLS', async () => {
    api.bearer = 'secret';
    const kube = client();
    const made = await kube.create<Lease>(target, lease('a'));
    expect(await kube.get<Lease>({ ...target, name: 'a' })).toEqual(made);
    const updated = await kube.update<Lease>(
      { ...target, name: 'a' },
      { ...made, spec: { holderIdentity: 'b' } },
    );
    expect(updated.spec?.holderIdentity).toBe('b');
    const patch = { metadata: { labels: { x: 'y' } } };
    const patched = await kube.patch<Lease>({ ...target, name: 'a' }, patch, { type: 'merge' });
    expect(patched.metadata.labels).toEqual({ x: 'y' });
    await kube.delete({ ...target, name: 'a' }, { gracePeriodSeconds: 0 });
    expect(api.items(collection)).toEqual([]);
    const types = api.seen.map(({ headers }) => headers['content-type']);
    expect(types).toEqual([
      'application/json',
      undefined,
      'application/json',
      'application/merge-patch+json',
      'application/json',
    ]);
    expect(api.seen[0]?.headers['impersonate-group']).toBe('a, b');
  });

  it('reports a failure of the API with code, reason and message', async () => {
    const missing = await client()
      .get({ ...target, name: 'no' })
      .catch((error: unknown) => error);
    expect(statusOf(missing)).toMatchObject({ code: 404, reason: 'NotFound' });
    expect(missing).toMatchObject({
      code: 'API_REFUSED',
      message: 'leases.coordination.k8s.io "no" not found',
    });
    api.intercept = (_seen, response) => !!response.writeHead(502).end('<html>bad gateway</html>');
    const broken = await client()
      .list(target)
      .catch((error: unknown) => error);
    expect(statusOf(broken)).toEqual({
      code: 502,
      reason: '',
      message: 'the server answered with HTTP status 502',
    });
  });

  it('cannot delete or update a version that is not the newest', async () => {
    const kube = client();
    const made = await kube.create<Lease>(target, lease('a'));
    await kube.update({ ...target, name: 'a' }, made);
    const old = { resourceVersion: made.metadata.resourceVersion ?? '' };
    const conflicts = [
      kube.delete({ ...target, name: 'a' }, old),
      kube.update({ ...target, name: 'a' }, made),
    ];
    for (const result of await Promise.allSettled(conflicts)) {
      expect(result.status === 'rejected' && statusOf(result.reason)?.reason).toBe('Conflict');
    }
  });

  it('lists all pages of a selection', async () => {
    for (let n = 0; n < 1100; n += 1) {
      api.put(`${collection}/l${n}`, { metadata: { name: `l${n}`, labels: { odd: String(n % 2) } } });
    }
    const { items } = await client().listAll(target, { labelSelector: 'odd=0' });
    expect(items).toHaveLength(550);
    expect(api.seen.map(({ url }) => url.searchParams.get('continue'))).toEqual([null, '500']);
  });

  it('watches from a version on, until it is aborted', async () => {
    const kube = client();
    const { metadata } = api.put(`${collection}/a`, { metadata: { name: 'a' } });
    const stop = new AbortController();
    const options = { resourceVersion: metadata.resourceVersion ?? '', signal: stop.signal };
    const events = await kube.watch<Lease>(target, options);
    api.put(`${collection}/b`, { metadata: { name: 'b' } });
    api.remove(`${collection}/a`);
    const two = [(await events.next()).value, (await events.next()).value];
    expect(two.map((event) => event && [event.type, event.object.metadata.name])).toEqual([
      ['ADDED', 'b'],
      ['DELETED', 'a'],
    ]);
    const third = events.next();
    stop.abort();
    await expect(third).rejects.toMatchObject({ code: 'API_UNREACHABLE' });
    await expect.poll(() => api.openWatches).toBe(0);
  });

  it('throws the status of an ERROR event, and for lines that are not JSON', async () => {
    const kube = client();
    const events = await kube.watch(target, {});
    api.endWatches({
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired', message: 'old' },
    });
    const caught = await events.next().catch((error: unknown) => error);
    expect(statusOf(caught)).toEqual({ code: 410, reason: 'Expired', message: 'old' });
    api.intercept = (_seen, response) => !!response.writeHead(200).end('{"type":');
    await expect((await kube.watch(target, {})).next()).rejects.toMatchObject({ code: 'PROTOCOL_VIOLATION' });
  });

  it('reads a watch no faster than its caller does', async () => {
    const object = { metadata: { name: 'big' }, padding: 'x'.repeat(100_000) };
    let waiting = 0;
    api.intercept = (_seen, response) => {
      response.writeHead(200);
      const fill = (): void => {
        let open = true;
        while (open && waiting < 500) {
          waiting += 1;
          open = response.write(`${JSON.stringify({ type: 'ADDED', object })}\n`);
        }
        if (waiting < 500) response.once('drain', fill);
        else response.end();
      };
      fill();
      return true;
    };
    const events = await client().watch(target, {});
    await events.next();
    let before = -1;
    await expect
      .poll(
        () => {
          const still = before === waiting;
          before = waiting;
          return still;
        },
        { interval: 50 },
      )
      .toBe(true);
    expect(waiting).toBeLessThan(300);
    let taken = 1;
    for await (const _event of each(events, 'event of the watch')) taken += 1;
    expect(taken).toBe(500);
  });

  it('fails after its time limit, in Go’s words, and when it is closed', async () => {
    api.intercept = () => true;
    const late = client(undefined, { timeoutMs: 50 }).list(target);
    await expect(late).rejects.toThrow(`Get "${api.url}${collection}": context deadline exceeded`);
    const kube = client();
    const open = kube.list(target);
    await expect.poll(() => api.seen.length).toBe(2);
    await kube.close();
    await expect(open).rejects.toThrow('context canceled');
    await expect(kube.list(target)).rejects.toThrow('context canceled');
  });

  it('has many requests at once without a warning, and none leaves a listener', async () => {
    const warnings: string[] = [];
    const note = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', note);
    const stop = new AbortController();
    const { signal } = stop;
    setMaxListeners(0, signal);
    const kube = client();
    const watch = kube.watch(target, { resourceVersion: '', signal });
    await Promise.all([watch, ...Array.from({ length: 20 }, () => kube.list(target, { signal }))]);
    process.off('warning', note);
    expect(warnings).toEqual([]);
    // The watch has its own until it ends.
    expect(getEventListeners(signal, 'abort')).not.toEqual([]);
    stop.abort();
    await expect.poll(() => api.openWatches).toBe(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('tries again after the pause that a busy server asks for', async () => {
    let refused = 0;
    api.intercept = (_seen, response) => {
      refused += 1;
      if (refused > 1) return false;
      response.setHeader('retry-after', '1');
      refuse(response, 429, 'TooManyRequests');
      return true;
    };
    const fast = new CountingClock(100);
    expect((await client(undefined, { clock: fast }).list(target)).items).toEqual([]);
    expect(refused).toBe(2);
  });

  it('retries when the server has closed a kept connection', async () => {
    const kube = client();
    await kube.list(target);
    api.cutConnections();
    expect((await kube.list(target)).items).toEqual([]);
  });

  it('keeps to its rate limit, and fails requests that would wait too long', async () => {
    const kube = client(undefined, { limit: { qps: 5, burst: 2 }, timeoutMs: 500 });
    const results = await Promise.allSettled(Array.from({ length: 6 }, () => kube.list(target)));
    const failed = results.filter(({ status }) => status === 'rejected');
    expect(api.seen.length).toBe(4);
    expect(failed).toHaveLength(2);
    expect(String((failed[0] as PromiseRejectedResult).reason)).toMatch(
      /client rate limiter Wait returned an error/,
    );
  });
});

describe('a client that verifies its server', () => {
  it('refuses a certificate of another CA or with another name', async () => {
    const other = await createCertificateSet();
    await expect(client({ ca: other.ca.certPem }).list(target)).rejects.toMatchObject({
      code: 'API_UNREACHABLE',
      message: expect.stringMatching(/certificate/) as string,
    });
    const ca = set.ca.certPem;
    await expect(client({ ca, serverName: 'elsewhere' }).list(target)).rejects.toThrow(/elsewhere/);
    expect((await client({ ca, serverName: 'localhost' }).list(target)).items).toEqual([]);
    expect((await client({ insecure: true }).list(target)).items).toEqual([]);
    expect(api.seen).toHaveLength(2);
  });

  it('sends its certificate', async () => {
    const { certPem: cert, keyPem: key } = set.leaves.admin;
    const port = soon<boolean>((resolve) => {
      api.intercept = (_seen, response) => {
        resolve((response.socket as unknown as { authorized: boolean }).authorized);
        return false;
      };
    }, 'request');
    await client({ ca: set.ca.certPem, cert, key }).list(target);
    expect(await port).toBe(true);
  });

  it('names the address that does not answer', async () => {
    const kube = client();
    await api.close();
    await expect(kube.list(target)).rejects.toMatchObject({
      code: 'API_UNREACHABLE',
      message: expect.stringMatching(
        /^Get "https:.*leases": dial tcp \S+: connect: connection refused/,
      ) as string,
    });
    api = await KubeApiServer.start();
  });
});
