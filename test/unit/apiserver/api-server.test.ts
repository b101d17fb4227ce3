import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../../../src/pki/authority.js';
import { issueWithSubject } from '../../support/odd-subjects.js';
import { once } from '../../support/waits.js';
import {
  type Credentials,
  call,
  closed,
  makeCredentials,
  open,
  requestOptions,
  startTestApi,
  type TestApi,
  tableAccept,
} from './fixture.js';
import { node, pod, service } from './objects.js';

let credentials: Credentials;
let test: TestApi;
beforeAll(async () => {
  credentials = await makeCredentials();
  test = await startTestApi(credentials, {
    name: 'one',
    tokens: [{ token: 'sesame', user: 'bob', groups: ['dev'] }],
    objects: {
      pods: [
        pod({ name: 'a', labels: { app: 'web' } }),
        pod({ name: 'b' }),
        pod({ name: 'c', namespace: 'team' }),
      ],
      nodes: [node('node-1')],
      services: [service('web', { app: 'web' })],
    },
  });
});
afterAll(() => test.close());

const review = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const names = (list: { items: { metadata: { name: string } }[] }): string[] =>
  list.items.map(({ metadata }) => metadata.name);

describe('the user of a request', () => {
  it('is the subject of the client certificate', async () => {
    const answer = await call(test, review, { method: 'POST' });
    expect(answer.status).toBe(201);
    expect(answer.json().status).toEqual({
      userInfo: { username: 'admin', groups: ['system:masters', 'dev', 'system:authenticated'] },
    });
  });

  it('is the owner of the bearer token', async () => {
    const headers = { authorization: 'Bearer sesame' };
    const answer = await call(test, review, { method: 'POST', credential: 'none', headers });
    expect(answer.json().status).toEqual({
      userInfo: { username: 'bob', groups: ['dev', 'system:authenticated'] },
    });
  });

  it('must be authenticated: no credential, a wrong token and a certificate of another CA get 401', async () => {
    const stranger = await (await createAuthority()).issue({ commonName: 'admin', usages: ['client'] });
    const attempts = [
      { credential: 'none' as const },
      { credential: 'none' as const, headers: { authorization: 'Bearer wrong' } },
      { credential: stranger },
    ];
    for (const attempt of attempts) {
      const answer = await call(test, '/api/v1/pods', attempt);
      expect(answer.status).toBe(401);
      expect(answer.json()).toMatchObject({
        kind: 'Status',
        reason: 'Unauthorized',
        message: 'Unauthorized',
      });
    }
  });

  it('is the last of several names in a certificate, and missing in a certificate without a name', async () => {
    const { ca } = test.credentials;
    const show = (...names: string[]) =>
      issueWithSubject(ca, 'konnectivity-sim-ca', [
        { type: 'O', text: 'system:masters' },
        ...names.map((text) => ({ type: 'CN', text }) as const),
      ]);
    for (const nameless of [await show(), await show('')])
      expect((await call(test, '/api/v1/pods', { credential: nameless })).status).toBe(401);
    const headers = { authorization: 'Bearer sesame' };
    const withToken = await call(test, review, { method: 'POST', credential: await show(), headers });
    expect(withToken.json().status).toMatchObject({ userInfo: { username: 'bob' } });
    const named = await call(test, review, { method: 'POST', credential: await show('one', 'two') });
    expect(named.json().status).toMatchObject({ userInfo: { username: 'two' } });
  });

  it('is not needed for health and version', async () => {
    for (const path of ['/healthz', '/readyz', '/livez', '/version'])
      expect((await call(test, path, { credential: 'none' })).status).toBe(200);
  });
});

describe('objects', () => {
  it('are listed by namespace and over all, with the revision of the store', async () => {
    const all = (await call(test, '/api/v1/pods')).json<
      Parameters<typeof names>[0] & Record<string, unknown>
    >();
    expect(names(all)).toEqual(['a', 'b', 'c']);
    expect(all).toMatchObject({
      kind: 'PodList',
      apiVersion: 'v1',
      metadata: { resourceVersion: String(test.store.revision) },
    });
    expect(names((await call(test, '/api/v1/namespaces/team/pods')).json())).toEqual(['c']);
  });

  it('are selected by labels and fields', async () => {
    const path =
      '/api/v1/namespaces/default/pods?labelSelector=app%3Dweb&fieldSelector=status.phase!%3DFailed';
    expect(names((await call(test, path)).json())).toEqual(['a']);
  });

  it('are sent as tables on request, with their columns', async () => {
    const answer = await call(test, '/api/v1/namespaces/default/pods/a', { accept: tableAccept });
    expect(answer.json()).toMatchObject({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      rows: [{ cells: expect.arrayContaining(['a', '1/1']) }],
    });
  });

  it('are sent as metadata only on request', async () => {
    const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
    const answer = await call(test, '/api/v1/nodes', { accept });
    expect(answer.json()).toMatchObject({
      kind: 'PartialObjectMetadataList',
      items: [{ metadata: { name: 'node-1' } }],
    });
  });

  it.each([
    ['/api/v1/namespaces/default/pods/zap', 404, 'NotFound', 'pods "zap" not found'],
    ['/apis/apps/v1/namespaces/default/deployments/zap', 404, 'NotFound', 'deployments.apps "zap" not found'],
    ['/apis/zap', 404, 'NotFound', 'the server could not find the requested resource'],
    ['/zap', 404, 'NotFound', 'the server could not find the requested resource'],
    ['/api/v1/pods?labelSelector=%3D', 400, 'BadRequest', /unable to parse requirement/],
    ['/api/v1/pods?fieldSelector=spec.zap%3D1', 400, 'BadRequest', 'field label not supported: spec.zap'],
    ['/api/v1/pods?resourceVersion=abc', 400, 'BadRequest', /resourceVersion: Invalid value: "abc"/],
    ['/api/v1/pods?resourceVersion=99999', 504, 'Timeout', /Too large resource version: 99999/],
    ['/api/v1/pods?resourceVersion=1&resourceVersionMatch=Exact', 410, 'Expired', /provided list is too old/],
    ['/api/v1/pods?continue=abc', 400, 'BadRequest', /continue key is not valid: invalid character 'i'/],
    ['/api/v1/namespaces/default/pods/a/exec?command=ls', 400, 'BadRequest', 'Upgrade request required'],
    ['/api/%zz', 400, 'BadRequest', /invalid URL escape/],
  ])('%s is answered with %d %s', async (path, status, reason, message) => {
    const answer = await call(test, path);
    expect(answer.status).toBe(status);
    expect(answer.json()).toMatchObject({ kind: 'Status', status: 'Failure', code: status, reason });
    expect(answer.json().message).toEqual(
      typeof message === 'string' ? message : expect.stringMatching(message),
    );
  });

  it.each([
    ['POST', '/api/v1/namespaces/default/pods/a'],
    ['POST', '/api/v1/pods'],
    ['PUT', '/api/v1/namespaces/default/pods'],
    ['PATCH', '/api/v1/namespaces/default/pods/a/log'],
    ['GET', '/api/v1/namespaces/default/pods/a/binding'],
    ['PUT', '/apis/authentication.k8s.io/v1/tokenreviews'],
  ])('know no %s of %s', async (method, path) => {
    const answer = await call(test, path, { method, body: '{}' });
    expect(answer.json()).toMatchObject({ code: 405, reason: 'MethodNotAllowed' });
  });

  it('are refused in unsupported forms', async () => {
    const answer = await call(test, '/api/v1/pods', { accept: 'application/vnd.kubernetes.protobuf' });
    expect(answer.json()).toMatchObject({ code: 406, reason: 'NotAcceptable' });
  });
});

describe('discovery', () => {
  const aggregated = (version: string): string =>
    `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;

  it.each(['v2', 'v2beta1'])('is one document in form %s', async (version) => {
    const accept = `${aggregated(version)},application/json`;
    const [core, named] = [await call(test, '/api', { accept }), await call(test, '/apis', { accept })];
    expect(core.headers['content-type']).toBe(aggregated(version));
    expect(core.json()).toMatchObject({
      apiVersion: `apidiscovery.k8s.io/${version}`,
      items: [{ metadata: { name: '' }, versions: [{ version: 'v1', freshness: 'Current' }] }],
    });
    expect(core.text).toContain('"subresource":"portforward"');
    expect(named.text).toContain('"resource":"deployments"');
  });

  it('is also served document by document', async () => {
    expect((await call(test, '/api')).json()).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    expect((await call(test, '/apis')).json()).toMatchObject({ kind: 'APIGroupList' });
    expect((await call(test, '/apis/apps')).json()).toMatchObject({ preferredVersion: { version: 'v1' } });
    const resources = (await call(test, '/api/v1')).json<{ resources: { name: string }[] }>().resources;
    expect(resources.map(({ name }) => name)).toEqual(expect.arrayContaining(['pods', 'pods/exec', 'nodes']));
    expect((await call(test, '/apis/apps/v9')).status).toBe(404);
  });

  it('has the configured version', async () => {
    const other = await startTestApi(credentials, { version: 'v1.29.3' });
    try {
      expect((await call(other, '/version')).json()).toMatchObject({ minor: '29', gitVersion: 'v1.29.3' });
    } finally {
      await other.close();
    }
  });
});

/** Sends raw bytes over TLS and collects what comes back. */
async function raw(bytes: string): Promise<string> {
  const { admin, ca } = credentials;
  const port = Number(test.api.address.split(':')[1]);
  const socket = connectTls({
    host: '127.0.0.1',
    port,
    ca: ca.certPem,
    cert: admin.certPem,
    key: admin.keyPem,
  });
  socket.on('error', () => undefined);
  socket.write(bytes);
  return (await socket.toArray().catch(() => [])).join('');
}

describe('strange bytes', () => {
  it.each([
    ['no HTTP at all', 'hello\r\n\r\n', 'HTTP/1.1 400'],
    ['two megabytes of header', `GET / HTTP/1.1\r\nX: ${'x'.repeat(2_000_000)}\r\n\r\n`, 'HTTP/1.1 431'],
    [
      'an upgrade of an unknown pod',
      'POST /api/v1/namespaces/default/pods/zap/exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n',
      'HTTP/1.1 404',
    ],
  ])('%s gets a clear answer', async (_what, bytes, expected) => {
    const answer = await raw(bytes);
    expect(answer.slice(0, expected.length)).toBe(expected);
    expect(answer).toContain('"kind":"Status"');
    expect((await call(test, '/healthz')).status).toBe(200);
  });

  it('that still arrive when the answer is sent do not lose the answer', async () => {
    const tooMuch = `GET / HTTP/1.1\r\nX: ${'x'.repeat(8_000_000)}\r\n\r\n`;
    const answers = await Promise.all(Array.from({ length: 8 }, () => raw(tooMuch)));
    expect(answers.map((answer) => answer.slice(0, 12))).toEqual(Array(8).fill('HTTP/1.1 431'));
  });

  it('without TLS end only that connection', async () => {
    const socket = connect(Number(test.api.address.split(':')[1]), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.end('GET / HTTP/1.1\r\n\r\n');
    socket.resume();
    await closed(socket);
    expect((await call(test, '/healthz')).status).toBe(200);
  });
});

describe('HTTP/2', () => {
  it('is used with clients that offer it', async () => {
    const { admin, ca } = credentials;
    const session = connectHttp2(test.api.url, { ca: ca.certPem, cert: admin.certPem, key: admin.keyPem });
    const stream = session.request({ ':path': '/api/v1/pods', accept: tableAccept });
    const [headers] = await once(stream, 'response');
    expect(headers[':status']).toBe(200);
    expect((await stream.toArray()).join('')).toContain('"kind":"Table"');
    session.close();
  });
});

describe('events', () => {
  it('report start and end of every request, with the ID that the client gets', async () => {
    const answer = await call(test, '/api/v1/nodes/zap');
    const id = answer.headers['audit-id'];
    const told = test.events.filter((event) => event.request === id);
    const common = {
      node: 'apiserver/one',
      peer: 'client/admin',
      verb: 'get',
      path: '/api/v1/nodes/zap',
      protocol: 'http',
    };
    expect(told).toEqual([
      { ...common, kind: 'request.started', request: id },
      expect.objectContaining({
        ...common,
        kind: 'request.failed',
        status: 404,
        error: 'nodes "zap" not found',
      }),
    ]);
  });
});

describe('an API server', () => {
  it('closes at once, also with open watches, idle and unfinished connections', async () => {
    const other = await startTestApi(credentials, {});
    const watch = await open(other, '/api/v1/pods?watch=true');
    watch.resume();
    const silent = connect(Number(other.api.address.split(':')[1]), '127.0.0.1');
    silent.on('error', () => undefined);
    await once(silent, 'connect');
    expect(other.api.openStreams().watch).toBe(1);
    const gone = Promise.all([closed(watch), closed(silent)]);
    await Promise.all([other.close(), other.close()]);
    await gone;
    expect(other.api.openStreams().watch).toBe(0);
    const request = httpsRequest(requestOptions(other, '/', {}));
    request.end();
    const [error] = await once(request, 'error');
    expect(error.code).toBe('ECONNREFUSED');
  });

  it('that cannot listen, or has an invalid certificate or version, fails with one clear error', async () => {
    const taken = Number(test.api.address.split(':')[1]);
    await expect(startTestApi(credentials, { port: taken })).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
    });
    await expect(startTestApi(credentials, { host: '203.0.113.1' })).rejects.toMatchObject({
      code: 'ADDRESS_UNAVAILABLE',
    });
    await expect(startTestApi(credentials, { version: 'new' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    const tls = { cert: 'x', key: 'y', clientCa: 'z' };
    await expect(startTestApi(credentials, { tls })).rejects.toMatchObject({ code: 'CERT_INVALID' });
    const kubeletTls = { cert: 'x', key: 'y' };
    await expect(startTestApi(credentials, { kubeletTls })).rejects.toMatchObject({ code: 'CERT_INVALID' });
  });
});
