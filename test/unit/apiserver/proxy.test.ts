import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { TunnelError } from '../../../src/core/errors.js';
import type { Dialer } from '../../../src/wire/client/dialer.js';
import { once } from '../../support/waits.js';
import {
  type Answer,
  type Credentials,
  call,
  closed,
  loopbackDialer,
  makeCredentials,
  open,
  requestOptions,
  startTestApi,
  type TestApi,
} from './fixture.js';
import { send } from './send-body.js';

let credentials: Credentials;
let test: TestApi;
let dial: Dialer['dial'];
let backend: Server;
let port: number;
const seen: {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}[] = [];

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
  const body = (await request.toArray()).join('');
  switch (request.url) {
    case '/moved':
      response.writeHead(302, { location: `/elsewhere?a=b` }).end();
      return;
    case '/cut':
      response.writeHead(200, { 'content-length': 100 });
      response.write('half', () => response.destroy());
      return;
    default:
      response.writeHead(207, { 'x-own': 'yes', connection: 'keep-alive' }).end(`got ${body}`);
  }
}

beforeAll(async () => {
  credentials = await makeCredentials();
  backend = createServer((request, response) => void serve(request, response));
  const sockets = new WebSocketServer({ server: backend, path: '/echo' });
  sockets.on('connection', (socket) => {
    socket.on('message', (data) => socket.send(data));
  });
  port = await listening(backend);
});
afterAll(() => {
  backend.close();
  backend.closeAllConnections();
});
beforeEach(async () => {
  seen.length = 0;
  dial = loopbackDialer.dial;
  test = await startTestApi(credentials, { dialer: { dial: (...target) => dial(...target) } });
  const time = '2024-01-01T00:00:00Z';
  const metadata = (name: string): object => ({
    name,
    namespace: 'default',
    uid: name,
    creationTimestamp: time,
  });
  const stored = (object: object): void =>
    void test.store.put(object as Parameters<typeof test.store.put>[0]);
  stored({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: metadata('one') },
    spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'i', ports: [{ containerPort: port }] }] },
    status: { podIP: '10.244.1.5', podIPs: [{ ip: '10.244.1.5' }] },
  });
  stored({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: metadata('pending') },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  });
  stored({
    ...{ apiVersion: 'v1', kind: 'Service', metadata: metadata('web') },
    spec: { type: 'ClusterIP', ports: [{ name: 'http', port: 80 }] },
  });
  stored({
    ...{ apiVersion: 'v1', kind: 'Endpoints', metadata: metadata('web') },
    subsets: [{ addresses: [ofPod('10.244.1.5')], ports: [{ name: 'http', port }] }],
  });
  stored({ ...{ apiVersion: 'v1', kind: 'Endpoints', metadata: metadata('empty') } });
  stored({
    ...{ apiVersion: 'v1', kind: 'Endpoints', metadata: metadata('outside') },
    subsets: [{ addresses: [{ ip: '192.0.2.1' }, ofPod('10.244.1.6')], ports: [{ port }] }],
  });
  stored({
    ...{ apiVersion: 'v1', kind: 'Service', metadata: metadata('bare') },
    spec: { type: 'ClusterIP', ports: [{ port: 80 }] },
  });
});
afterEach(() => test.close());

const ofPod = (ip: string): object => ({
  ip,
  targetRef: { kind: 'Pod', namespace: 'default', name: 'one' },
});

const namespace = '/api/v1/namespaces/default';
const pod = (path: string, name = 'one'): string => `${namespace}/pods/${name}/proxy${path}`;

/** Status code and message of a refusal. */
function refusal(answer: Answer): readonly [number, unknown] {
  return [answer.status, answer.json()['message']];
}

describe('proxy of a pod', () => {
  it('passes method, path, query, headers and body on, and the answer back', async () => {
    const answer = await send(test, 'PUT', pod('/a%2Fb/c?d=e&f'), 'text', { headers: { 'x-mine': '1' } });
    expect([answer.status, answer.text, answer.headers['x-own']]).toEqual([207, 'got text', 'yes']);
    expect(seen).toMatchObject([
      { method: 'PUT', url: '/a%2Fb/c?d=e&f', headers: { 'x-mine': '1', 'x-forwarded-for': '127.0.0.1' } },
    ]);
  });

  it.each(['GET', 'POST', 'PATCH', 'DELETE'])('passes %s on', async (method) => {
    expect((await call(test, pod('/x'), { method })).status).toBe(207);
    expect(seen.map((each) => each.method)).toEqual([method]);
  });

  it('does not pass on the credentials of the client', async () => {
    await call(test, pod('/'), {
      headers: {
        authorization: 'Bearer secret',
        'impersonate-user': 'bob',
        'impersonate-group': 'system:masters',
      },
    });
    expect(
      Object.keys(seen[0]?.headers ?? {}).filter((name) => /^(authorization|impersonate)/.test(name)),
    ).toEqual([]);
  });

  it('serves HTTP/2 clients, too', async () => {
    const { ca, admin } = credentials;
    const session = connectHttp2(test.api.url, { ca: ca.certPem, cert: admin.certPem, key: admin.keyPem });
    const stream = session.request({ ':method': 'DELETE', ':path': pod('/h2') }, { endStream: false });
    stream.end('body');
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(headers[':status']).toBe(207);
    expect((await stream.toArray()).join('')).toBe('got body');
    session.close();
    await closed(session);
  });

  it('redirects a path without a final slash', async () => {
    const answer = await call(test, `${pod('')}?a=b`);
    expect([answer.status, answer.headers.location]).toEqual([301, `${pod('/')}?a=b`]);
  });

  it('changes redirections of the backend to go through the proxy', async () => {
    const answer = await call(test, pod('/moved'));
    expect([answer.status, answer.headers.location]).toEqual([302, pod('/elsewhere?a=b')]);
  });

  it('passes WebSockets, which count as open streams', async () => {
    const { host, port: apiPort, ca, cert, key } = requestOptions(test, '', {});
    const url = `wss://${String(host)}:${String(apiPort)}${pod('/echo')}`;
    const socket = new WebSocket(url, { ca, cert, key } as object);
    await once(socket, 'open');
    expect(test.api.openStreams().proxy).toBe(1);
    socket.send('hello');
    const [data] = (await once(socket, 'message')) as [Buffer];
    expect(String(data)).toBe('hello');
    socket.close();
    await once(socket, 'close');
    await expect.poll(() => test.api.openStreams().proxy).toBe(0);
  });

  it('passes a body rather than an upgrade', async () => {
    const headers = { connection: 'Upgrade', upgrade: 'h2c' };
    const answer = await call(test, pod('/'), { method: 'POST', body: 'a body', headers });
    expect(answer.text).toBe('got a body');
    expect(Object.keys(seen.at(-1)?.headers ?? {}).filter((name) => name.includes('upgrade'))).toEqual([]);
  });

  it('takes port and scheme from the name', async () => {
    const { ca } = credentials;
    const pair = await ca.issue({ commonName: 'whoever', usages: ['server'] });
    const secure = createSecureServer({ cert: pair.certPem, key: pair.keyPem }, (_, response) => {
      response.end('secure');
    });
    const securePort = await listening(secure as unknown as Server);
    expect((await call(test, pod('/', `https:one:${securePort}`))).text).toBe('secure');
    secure.close();
    secure.closeAllConnections();
    expect(refusal(await call(test, pod('/', 'a:b:c:d')))).toEqual([400, 'invalid pod request "a:b:c:d"']);
  });

  it('says why a pod cannot be reached', async () => {
    expect(refusal(await call(test, pod('/', 'none')))).toEqual([404, 'pods "none" not found']);
    expect(refusal(await call(test, pod('/', 'pending')))).toEqual([400, 'address not allowed']);
    const text = 'dial tcp 10.244.1.5:81: connect: connection refused';
    dial = () => Promise.reject(new TunnelError('DIAL_FAILED', text));
    const answer = await call(test, pod('/', 'one:81'));
    expect(refusal(answer)).toEqual([503, `error trying to reach service: ${text}`]);
    expect(answer.json()['reason']).toBe('ServiceUnavailable');
  });

  it('cuts an answer that the backend cut, and keeps working', async () => {
    const answer = await open(test, pod('/cut'));
    await expect(answer.toArray()).rejects.toThrow();
    expect((await call(test, pod('/'))).status).toBe(207);
  });

  it('needs permission', async () => {
    const { ca } = credentials;
    const stranger = await ca.issue({ commonName: 'stranger', usages: ['client'] });
    const answer = await call(test, pod('/'), { credential: stranger });
    expect(answer.status).toBe(403);
    expect(answer.json()['message']).toContain('cannot get resource "pods/proxy" in API group ""');
  });
});

describe('proxy of a service', () => {
  const service = (name: string): string => `${namespace}/services/${name}/proxy/`;

  it('takes ports by name and by number', async () => {
    expect((await call(test, service('web:http'))).status).toBe(207);
    expect((await call(test, service('http:web:80'))).status).toBe(207);
  });

  it('says what does not exist', async () => {
    const answers = ['web', 'web:81', 'web:metrics', 'none'].map((name) => call(test, service(name)));
    expect((await Promise.all(answers)).map(refusal)).toEqual([
      [503, 'no endpoints available for service "web"'],
      [503, 'no service port 81 found for service "web"'],
      [503, 'no endpoints available for service "web:metrics"'],
      [404, 'services "none" not found'],
    ]);
  });

  it('names the service when it has no endpoints, and all that was asked for when it has others', async () => {
    const names = ['empty', 'https:empty:', 'https:outside:', 'bare', 'none:80'];
    const answers = names.map((name) => call(test, service(name)));
    expect((await Promise.all(answers)).map(refusal)).toEqual([
      [503, 'no endpoints available for service "empty"'],
      [503, 'no endpoints available for service "empty"'],
      [503, 'no endpoints available for service "https:outside:"'],
      [404, 'services "bare" not found'],
      [404, 'services "none" not found'],
    ]);
  });
});

describe('proxy of a node', () => {
  it('uses the credential of the API server for the kubelet', async () => {
    const { ca } = credentials;
    const pair = await ca.issue({ commonName: 'kubelet', ipAddresses: ['10.0.1.11'], usages: ['server'] });
    const kubelet = createSecureServer(
      { cert: pair.certPem, key: pair.keyPem, ca: ca.certPem, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        const { subject } = (request.socket as import('node:tls').TLSSocket).getPeerCertificate();
        response.end(`${String(subject.CN)} asks for ${request.url ?? ''}`);
      },
    );
    const kubeletPort = await listening(kubelet as unknown as Server);
    test.store.put({
      ...{ apiVersion: 'v1', kind: 'Node' },
      metadata: { name: 'node-1', uid: 'n', creationTimestamp: '2024-01-01T00:00:00Z' },
      ...{
        status: {
          addresses: [{ type: 'InternalIP', address: '10.0.1.11' }],
          daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
        },
      },
    });
    for (const name of ['node-1', `node-1:${kubeletPort}`]) {
      const answer = await call(test, `/api/v1/nodes/${name}/proxy/healthz?a=b`);
      expect(answer.text).toBe('kube-apiserver-kubelet-client asks for /healthz?a=b');
    }
    expect((await call(test, `/api/v1/nodes/node-1:${port}/proxy/x`)).text).toBe('got ');
    kubelet.close();
    kubelet.closeAllConnections();
  });
});
