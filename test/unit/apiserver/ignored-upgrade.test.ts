import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import { until } from '../../support/waits.js';
import { type Credentials, call, closed, makeCredentials, startTestApi, type TestApi } from './fixture.js';
import { pod } from './objects.js';

let credentials: Credentials;
let clock: ManualClock;
let test: TestApi;
beforeAll(async () => {
  credentials = await makeCredentials();
  clock = new ManualClock();
  test = await startTestApi(credentials, { clock, objects: { pods: [pod({ name: 'a' })] } });
});
afterAll(() => test.close());

const upgrade = (to: string): Record<string, string> => ({ connection: 'Upgrade', upgrade: to });
const configMaps = '/api/v1/namespaces/default/configmaps';

/** Sends bytes over one connection; `seen` is what has come back. */
function dial(bytes: string, { api } = test): { readonly socket: TLSSocket; seen: () => string } {
  const { admin, ca } = credentials;
  const port = Number(api.address.split(':')[1]);
  const tls = { ca: ca.certPem, cert: admin.certPem, key: admin.keyPem };
  const socket = connectTls({ host: '127.0.0.1', port, ...tls });
  let text = '';
  socket.on('error', () => undefined);
  socket.on('data', (data: Buffer) => (text += data.toString()));
  socket.write(bytes);
  return { socket, seen: () => text };
}

const statuses = (text: string): string[] =>
  [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, code]) => code ?? '');

describe.each(['websocket', 'SPDY/3.1', 'h2c', 'foo, bar'])('an Upgrade header with %s', (to) => {
  it.each([
    '/version',
    '/healthz',
    '/metrics',
    '/openapi/v3',
    '/apis',
    '/api/v1/namespaces/default/pods',
    '/api/v1/namespaces/default/pods/a',
    '/zap',
    '/api/%zz',
  ])('means nothing for %s', async (path) => {
    const plain = await call(test, path);
    const answer = await call(test, path, { headers: upgrade(to) });
    expect(answer.status).toBe(plain.status);
    expect(answer.headers['content-type']).toBe(plain.headers['content-type']);
    expect(answer.headers['audit-id']).toBeDefined();
  });

  it('means nothing for writes, whose body is read', async () => {
    const name = to.toLowerCase().replace(/[^a-z0-9]/g, '-');
    const body = JSON.stringify({ metadata: { name }, data: { big: 'x'.repeat(200_000) } });
    const headers = { 'content-type': 'application/json', ...upgrade(to) };
    expect((await call(test, configMaps, { method: 'POST', headers, body })).status).toBe(201);
    const made = (await call(test, `${configMaps}/${name}`)).json<{ data: { big: string } }>();
    expect(made.data.big).toHaveLength(200_000);
    const gone = await call(test, `${configMaps}/${name}`, { method: 'DELETE', headers: upgrade(to) });
    expect(gone.status).toBe(200);
  });

  it('without an upgrade of a connection means nothing for a stream but that it is refused', async () => {
    const exec = '/api/v1/namespaces/default/pods/a/exec?command=ls';
    const put = await call(test, exec, { method: 'PUT', headers: upgrade(to) });
    expect(put.status).toBe(405);
  });
});

describe('a connection with ignored upgrades', () => {
  const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
  const ignored = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
  const post = (path: string, more: string, body: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${ignored}${more}\r\n${body}`;
  const chunked = (body: string): string => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

  it('takes many requests, also before the answers to earlier ones, and answers in order', async () => {
    const map = (name: string): string => JSON.stringify({ metadata: { name } });
    const warnings: Error[] = [];
    const warn = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warn);
    const requests = Array.from({ length: 30 }, (_, index) =>
      index % 3 === 0
        ? get('/version')
        : index % 3 === 1
          ? get('/api/v1/namespaces/default/pods/none', ignored)
          : post(configMaps, 'Transfer-Encoding: chunked\r\n', chunked(map(`many-${index}`))),
    );
    const { socket, seen } = dial(requests.join('') + get('/healthz', 'Connection: close\r\n'));
    await closed(socket);
    process.off('warning', warn);
    expect(statuses(seen())).toEqual([
      ...Array.from({ length: 10 }, () => ['200', '404', '201']).flat(),
      '200',
    ]);
    expect(warnings).toEqual([]);
  });

  it('may still be upgraded later, after the answers to earlier requests', async () => {
    const list = get('/api/v1/namespaces/default/pods');
    const watch =
      `${ignored}Origin: https://x\r\nSec-WebSocket-Version: 13\r\n` +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    const { socket, seen } = dial(
      get('/version', ignored) + list + get('/api/v1/pods?watch=1', watch) + get('/version'),
    );
    await until(() => seen().includes('"ADDED"'), { seen });
    expect(statuses(seen())).toEqual(['200', '200', '101']);
    socket.destroy();
    await closed(socket);
  });

  it('is refused when it has more headers than are read', async () => {
    const many = Array.from({ length: 1001 }, (_, index) => `x-${index}: y\r\n`).join('');
    const { socket, seen } = dial(get('/version', many + ignored) + get('/version'));
    await closed(socket);
    expect(statuses(seen())).toEqual(['431']);
  });

  it('keeps its requests apart, also when one is answered before it is looked at', async () => {
    const asked = get('/api/v1/pods', `${ignored}Expect: wonders\r\nImpersonate-User: eve\r\n`);
    const { socket, seen } = dial(
      asked + get('/api/v1/nodes', ignored) + get('/version', 'Connection: close\r\n'),
    );
    await closed(socket);
    expect(statuses(seen())).toEqual(['417', '200', '200']);
  });

  it('is refused a head that does not end, and a body that does not come', async () => {
    const late = '/api/v1/namespaces/late/configmaps';
    const unfinished = dial(get('/version', ignored) + get('/version', `${ignored}X: y`).slice(0, -4));
    const { socket, seen } = dial(post(late, 'Content-Length: 100\r\n', '{'));
    await until(() => statuses(unfinished.seen()).length === 1);
    await until(() => test.events.some((event) => event.kind === 'request.started' && event.path === late));
    clock.advance(61_000);
    await closed(socket);
    clock.advance(30_000);
    await closed(unfinished.socket);
    expect([statuses(unfinished.seen()), statuses(seen())]).toEqual([['200'], ['504']]);
  });

  it('is refused when the answer to an earlier request takes too long', async () => {
    const { socket, seen } = dial(get('/api/v1/pods?watch=1') + get('/version', ignored));
    await until(() => seen().includes('"ADDED"'), { seen });
    clock.advance(90_000);
    await closed(socket);
    expect(statuses(seen())).toEqual(['200']);
    expect(test.api.openStreams().watch).toBe(0);
  });

  it('leaves nothing behind when it closes with answers that wait', async () => {
    const other = await startTestApi(credentials, {});
    const { socket, seen } = dial(
      get('/api/v1/pods?watch=1') + get('/version') + get('/healthz') + get('/version', ignored),
      other,
    );
    await until(() => seen().includes('200 OK'), { seen });
    socket.destroy();
    await closed(socket);
    // It would wait for requests that are under way.
    await other.api.shutdown({ graceMs: 10 * 60_000 });
  });
});
