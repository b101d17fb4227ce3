import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ManualClock } from '../../../src/core/clock.js';
import { pathOf, type ResourceTarget } from '../../../src/kube/objects.js';
import type { AccessOptions } from '../../../src/kubelet-stub/auth/access-control.js';
import { attributesOf } from '../../../src/kubelet-stub/auth/attributes.js';
import { accessReviewer, type ReviewApi, tokenReviewer } from '../../../src/kubelet-stub/auth/reviews.js';
import { TtlCache } from '../../../src/kubelet-stub/auth/ttl-cache.js';
import type { NamePart } from '../../../src/pki/subject.js';
import { upgradeHttp } from '../../../src/streams/http-upgrade.js';
import { issueWithSubject } from '../../support/odd-subjects.js';
import { once } from '../../support/waits.js';
import { type Bench, clock, issueCertificates, startBench, type TestPki, tlsFiles } from './bench.js';
import { type Answer, ask, connectTls, upgrade } from './http-client.js';
import { ScriptedRuntime } from './scripted-runtime.js';

interface Review {
  readonly path: string;
  readonly spec: Record<string, never> & { readonly token?: string; readonly resourceAttributes?: object };
}

/** An API that answers reviews: token `good` belongs to alice, and alice may only get stats and pods. */
class ReviewServer implements ReviewApi {
  readonly reviews: Review[] = [];
  broken = false;
  private readonly server: Server;
  private readonly ca: string;

  constructor(pki: TestPki) {
    this.ca = pki.ca.certPem;
    this.server = createServer(pki.serving, (request, response) => {
      void json(request).then((body) => {
        const { spec } = body as { spec: Review['spec'] };
        this.reviews.push({ path: request.url ?? '', spec });
        response.statusCode = this.broken ? 500 : 201;
        response.end(
          JSON.stringify({
            status: request.url?.includes('tokenreviews') ? this.token(spec) : this.access(spec),
          }),
        );
      });
    });
    this.server.listen(0, '127.0.0.1');
  }

  async create<T extends object>(target: ResourceTarget, object: object): Promise<T> {
    if (!this.server.listening) await once(this.server, 'listening');
    const { port } = this.server.address() as AddressInfo;
    const { request } = await import('node:https');
    const sent = request({
      host: '127.0.0.1',
      port,
      path: pathOf(target),
      method: 'POST',
      ca: this.ca,
      agent: false,
    });
    sent.end(JSON.stringify(object));
    const [response] = await once(sent, 'response');
    if (response.statusCode !== 201) throw new Error(`status ${response.statusCode}`);
    return (await json(response)) as T;
  }

  close(): void {
    this.server.close();
  }

  private token({ token }: Review['spec']): object {
    if (token !== 'good') return { authenticated: false };
    return { authenticated: true, user: { username: 'alice', uid: 'u-7', groups: ['dev'] } };
  }

  private access({ resourceAttributes }: Review['spec']): object {
    const { verb, subresource } = resourceAttributes as { verb: string; subresource: string };
    return { allowed: verb === 'get' && ['stats', 'pods'].includes(subresource) };
  }
}

describe('authentication and authorization of a kubelet', () => {
  let pki: TestPki;
  let api: ReviewServer;
  const benches: Bench[] = [];
  beforeAll(async () => {
    pki = await issueCertificates();
    api = new ReviewServer(pki);
  });
  beforeEach(() => {
    api.reviews.length = 0;
    api.broken = false;
  });
  afterAll(async () => {
    for (const bench of benches) await bench.close();
    api.close();
  });

  async function start(access: AccessOptions): Promise<Bench> {
    const bench = await startBench(pki, new ScriptedRuntime(), { access });
    benches.push(bench);
    return bench;
  }
  const webhook = (at = clock): AccessOptions => ({
    tokens: tokenReviewer(api, at),
    authorizer: accessReviewer(api, at, { nodeName: 'node-1' }),
  });
  const withToken = (bench: Bench, token: string, path: string, method = 'GET'): Promise<Answer> =>
    ask(bench.kubelet, { ca: pki.client.ca }, path, {
      method,
      headers: { Authorization: `Bearer ${token}` },
    });

  it.each([
    ['GET', '/stats/summary', 'get', ['stats']],
    ['GET', '/metrics/resource', 'get', ['metrics']],
    ['GET', '/logs/x', 'get', ['log']],
    ['GET', '/pods', 'get', ['pods', 'proxy']],
    ['GET', '/runningpods/', 'get', ['pods', 'proxy']],
    ['GET', '/healthz/ping', 'get', ['healthz', 'proxy']],
    ['GET', '/configz', 'get', ['configz', 'proxy']],
    ['POST', '/exec/a/b/c', 'create', ['proxy']],
    ['GET', '/exec/a/b/c', 'get', ['proxy']],
    ['POST', '/checkpoint/a/b/c', 'create', ['checkpoint']],
    ['PUT', '/debug/flags/v', 'update', ['proxy']],
    ['DELETE', '/statsx', 'delete', ['proxy']],
  ])('%s %s asks for verb %s on %j', (method, path, verb, subresources) => {
    expect(attributesOf(method, path)).toEqual({ verb, subresources });
  });

  it('checks a bearer token by TokenReview, and its user by SubjectAccessReview', async () => {
    const bench = await start(webhook());
    expect((await withToken(bench, 'good', '/stats/summary')).status).toBe(200);
    expect(api.reviews).toEqual([
      { path: '/apis/authentication.k8s.io/v1/tokenreviews', spec: { token: 'good' } },
      {
        path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        spec: {
          user: 'alice',
          uid: 'u-7',
          groups: ['dev', 'system:authenticated'],
          resourceAttributes: {
            namespace: '',
            verb: 'get',
            version: 'v1',
            resource: 'nodes',
            subresource: 'stats',
            name: 'node-1',
          },
        },
      },
    ]);
  });

  it('answers 401 Unauthorized, and 403 with the user and what was wanted', async () => {
    const bench = await start(webhook());
    expect(await withToken(bench, 'bad', '/pods')).toMatchObject({ status: 401, text: 'Unauthorized' });
    const denied = await withToken(bench, 'good', '/configz');
    const text = 'Forbidden (user=alice, verb=get, resource=nodes, subresource(s)=[configz proxy])\n';
    expect(denied).toMatchObject({ status: 403, text });
    expect(bench.events).toContainEqual(
      expect.objectContaining({ kind: 'request.failed', status: 403, error: text.trim() }),
    );
    expect((await withToken(bench, 'good', '/exec/default/web-0/app?command=ls&output=1', 'POST')).text).toBe(
      'Forbidden (user=alice, verb=create, resource=nodes, subresource(s)=[proxy])\n',
    );
  });

  it('caches a token for 2 min, a permission for 5 min and a refusal for 30 s', async () => {
    const manual = new ManualClock();
    const { tokens, authorizer } = webhook(manual as never);
    const alice = await tokens?.authenticate('good');
    if (alice === undefined || authorizer === undefined) throw new Error('nobody');
    const asks = async (afterMs: number, verb: 'get' | 'create'): Promise<number> => {
      manual.advance(afterMs);
      const before = api.reviews.length;
      await authorizer.authorize(alice, { verb, subresources: ['stats'] });
      return api.reviews.length - before;
    };
    expect([await asks(0, 'get'), await asks(299_000, 'get'), await asks(2000, 'get')]).toEqual([1, 0, 1]);
    expect([await asks(0, 'create'), await asks(29_000, 'create'), await asks(2000, 'create')]).toEqual([
      1, 0, 1,
    ]);
    const before = api.reviews.length;
    await tokens?.authenticate('good');
    await tokens?.authenticate('good');
    manual.advance(121_000);
    await tokens?.authenticate('good');
    expect(api.reviews.length - before).toBe(2);
  });

  it('caches no more answers than its limit', () => {
    const cache = new TtlCache<number>(new ManualClock(), 2);
    for (const key of ['a', 'b', 'c']) cache.set(key, 1, 1000);
    expect([cache.get('a'), cache.get('b')?.value, cache.get('c')?.value]).toEqual([undefined, 1, 1]);
  });

  it('refuses every client while the API cannot be asked, and does not cache that', async () => {
    const bench = await start(webhook());
    api.broken = true;
    expect((await withToken(bench, 'good', '/stats/summary')).status).toBe(401);
    api.broken = false;
    expect((await withToken(bench, 'good', '/stats/summary')).status).toBe(200);
    api.broken = true;
    expect(await withToken(bench, 'good', '/pods')).toMatchObject({
      status: 500,
      text: 'Authorization error (user=alice, verb=get, resource=nodes, subresource=pods)',
    });
  });

  it('lets system:masters do everything without asking', async () => {
    const pair = await pki.ca.issue({
      commonName: 'admin',
      organizations: ['system:masters'],
      usages: ['client'],
    });
    const bench = await start(webhook());
    expect((await ask(bench.kubelet, tlsFiles(pki.ca, pair), '/configz')).status).toBe(200);
    expect(api.reviews).toEqual([]);
    // The certificate of the bench is not in that group.
    expect((await ask(bench.kubelet, pki.client, '/configz')).status).toBe(403);
  });

  it('asks a client whose certificate has no name for another credential; of several names the last counts', async () => {
    const subject = (...names: string[]): NamePart[] => [
      { type: 'O', text: 'system:masters' },
      ...names.map((text) => ({ type: 'CN', text }) as const),
    ];
    const show = async (...names: string[]) =>
      tlsFiles(pki.ca, await issueWithSubject(pki.ca, 'konnectivity-sim-ca', subject(...names)));
    const closed = await start({});
    for (const nameless of [await show(), await show('')])
      expect((await ask(closed.kubelet, nameless, '/pods')).status).toBe(401);
    const open = await start({ ...webhook(), anonymous: true });
    expect((await ask(open.kubelet, await show(), '/configz')).text).toContain('user=system:anonymous');
    expect((await ask(open.kubelet, await show('one', 'two'), '/configz')).status).toBe(200);
  });

  it('accepts a client without credentials as system:anonymous only when that is turned on', async () => {
    const anybody = { ca: pki.client.ca };
    const closed = await start({});
    expect((await ask(closed.kubelet, anybody, '/pods')).status).toBe(401);
    const open = await start({ ...webhook(), anonymous: true });
    expect((await ask(open.kubelet, anybody, '/pods')).status).toBe(200);
    expect(api.reviews.at(-1)?.spec).toMatchObject({
      user: 'system:anonymous',
      groups: ['system:unauthenticated'],
    });
    expect((await ask(open.kubelet, anybody, '/configz')).text).toContain('user=system:anonymous');
    expect((await withToken(open, 'bad', '/pods')).status).toBe(401);
  });

  it('refuses an upgrade before it begins', async () => {
    const bench = await start(webhook());
    const path = '/exec/default/web-0/app?command=echo&output=1';
    const answer = await upgrade(bench.kubelet, pki.client, path, 'v4.channel.k8s.io');
    expect(answer).toMatchObject({ kind: 'refused', status: 403 });
  });

  it('takes the token of a WebSocket from its subprotocols', async () => {
    const bench = await start({ tokens: tokenReviewer(api, clock) });
    const { host, port } = bench.kubelet.address;
    const token = `base64url.bearer.authorization.k8s.io.${Buffer.from('good').toString('base64url')}`;
    const url = `wss://${host}:${port}/exec/default/web-0/app?command=exit&command=3&output=1`;
    const ws = new WebSocket(url, [token, 'v5.channel.k8s.io'], { ca: pki.ca.certPem });
    let last = '';
    ws.on('message', (data: Buffer) => (last = data.toString()));
    const [code] = await once(ws, 'close');
    expect([code, ws.protocol]).toEqual([1000, 'v5.channel.k8s.io']);
    expect(last).toContain('"message":"3"');
  });

  it('refuses such a token that is not as Kubernetes writes it, and shows it to nobody', async () => {
    const bench = await start({ tokens: tokenReviewer(api, clock), anonymous: true });
    const path = '/exec/default/web-0/app?command=exit&command=3&output=1';
    const good = `base64url.bearer.authorization.k8s.io.${Buffer.from('good').toString('base64url')}`;
    const offer = async (names: string, kind = 'websocket'): Promise<[number, string]> => {
      const headers = ['Host', 'kubelet', 'Connection', 'Upgrade', 'Upgrade', kind];
      const socket = await connectTls(bench.kubelet, { ca: pki.ca.certPem });
      const asked = { method: 'GET', path, headers: [...headers, 'Sec-WebSocket-Protocol', names] };
      const answer = await upgradeHttp(socket, asked);
      return [answer.status, 'body' in answer ? String(answer.body) : ''];
    };
    for (const names of [good, `${good}=, v4.channel.k8s.io`, `${good}, ${good}, v4.channel.k8s.io`])
      expect(await offer(names)).toEqual([401, 'Unauthorized']);
    const [status, text] = await offer(`${good}, v4.channel.k8s.io`, 'other');
    expect([status, text]).toEqual([400, expect.stringContaining('missing upgrade headers')]);
    expect(JSON.stringify([bench.events, text])).not.toContain(good);
  });

  it('guards the gRPC door in the same way', async () => {
    const bench = await start(webhook());
    await expect(
      bench.client.exec(
        { namespace: 'default', pod: 'web-0', container: 'app', command: ['echo'], tty: false },
        { signal: new AbortController().signal },
      ),
    ).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringContaining('Forbidden (user=kube-apiserver-kubelet-client, verb=create'),
    });
    expect(await bench.client.listPods()).toHaveLength(1);
  });
});
