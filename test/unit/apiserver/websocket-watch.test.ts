import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import { once } from '../../support/waits.js';
import { type Credentials, makeCredentials, startTestApi, type TestApi, tableAccept } from './fixture.js';
import { pod } from './objects.js';
import { type Opened, openSocket, refusedSocket, type SocketWish } from './web-socket.js';

let credentials: Credentials;
beforeAll(async () => {
  credentials = await makeCredentials();
});

let clock: ManualClock;
let test: TestApi;
beforeEach(async () => {
  clock = new ManualClock();
  const objects = { pods: [pod({ name: 'a' })] };
  const tokens = [{ token: 'sesame', user: 'bob' }];
  test = await startTestApi(credentials, { clock, objects, tokens });
});
afterEach(() => test.close());

const pods = '/api/v1/namespaces/default/pods?watch=true';
const watch = (query = '', wish: SocketWish = {}): Promise<Opened> => openSocket(test, pods + query, wish);
const fromNow = (): string => `&resourceVersion=${test.store.revision}`;

async function event({ next }: Opened): Promise<{ type: string; object: Record<string, unknown> }> {
  const text = await next();
  if (typeof text !== 'string' || !text.endsWith('\n')) throw new Error(`not a line: ${String(text)}`);
  return JSON.parse(text) as { type: string; object: Record<string, unknown> };
}

describe('a watch over a WebSocket', () => {
  it('sends each event as a line in a text message of its own', async () => {
    const opened = await watch();
    expect(opened.ws.protocol).toBe('');
    expect(await event(opened)).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } });
    test.store.put(pod({ name: 'b' }));
    test.store.put(pod({ name: 'c' }));
    expect(await event(opened)).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'b' } } });
    expect(await event(opened)).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'c' } } });
  });

  it('sends tables and bookmarks as a plain watch does', async () => {
    const opened = await watch(`${fromNow()}&allowWatchBookmarks=true`, { accept: tableAccept });
    test.store.put(pod({ name: 'b' }));
    expect(await event(opened)).toMatchObject({ type: 'ADDED', object: { kind: 'Table' } });
    clock.advance(60_000);
    expect(await event(opened)).toMatchObject({ type: 'BOOKMARK' });
  });

  it('ends with 1000 at its timeout', async () => {
    const opened = await watch(`${fromNow()}&timeoutSeconds=5`);
    clock.advance(5_000);
    expect(await opened.closed).toBe(1000);
    expect(test.api.openStreams().watch).toBe(0);
  });

  it('answers pings, drops what the client sends, and is counted until the client leaves', async () => {
    const opened = await watch(fromNow());
    expect(test.api.openStreams().watch).toBe(1);
    opened.ws.send('ignored');
    opened.ws.ping('there?');
    expect(String((await once(opened.ws, 'pong'))[0])).toBe('there?');
    opened.ws.close(1000);
    expect(await opened.closed).toBe(1000);
    await expect.poll(() => test.api.openStreams().watch).toBe(0);
    await expect
      .poll(() => test.events.at(-1))
      .toMatchObject({ kind: 'request.finished', verb: 'watch', protocol: 'websocket', status: 101 });
  });

  it('that is too old gets an ERROR event, and one that is refused a plain Status', async () => {
    const start = fromNow();
    test.store.put(pod({ name: 'b' }));
    test.store.compact();
    const opened = await watch(start);
    expect(await event(opened)).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
    expect(await opened.closed).toBe(1000);
    const refused = await refusedSocket(test, `${pods}&resourceVersion=x`);
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([400, { reason: 'BadRequest' }]);
  });

  it('needs the permission to watch', async () => {
    const headers = { authorization: 'Bearer sesame' };
    const refused = await refusedSocket(test, pods, { credential: 'none', headers });
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('cannot watch resource');
  });

  it('takes any one subprotocol', async () => {
    expect((await watch('', { protocols: ['whatever'] })).ws.protocol).toBe('whatever');
  });

  it.each<[string, SocketWish, number]>([
    ['no origin', { origin: '' }, 403],
    ['an origin without a scheme', { origin: 'null' }, 403],
    ['two subprotocols', { protocols: ['one', 'two'] }, 400],
    ['very many', { headers: { 'sec-websocket-protocol': 'a,'.repeat(400_000) } }, 400],
  ])('with %s is refused without a word', async (_what, wish, status) => {
    expect(await refusedSocket(test, pods, wish)).toEqual({ status, text: '' });
    expect(test.api.openStreams().watch).toBe(0);
  });

  it('whose client does not read costs no memory, and is forgotten when the client goes', async () => {
    const opened = await watch(fromNow());
    opened.ws.pause();
    const bulky = 'x'.repeat(100_000);
    for (let index = 0; index < 100; index++) test.store.put(pod({ name: `p${index}`, labels: { bulky } }));
    expect(test.api.openStreams().watch).toBe(1);
    opened.ws.terminate();
    await expect.poll(() => test.api.openStreams().watch).toBe(0);
  });

  it('ends when the server closes', async () => {
    const opened = await watch(fromNow());
    await test.close();
    await opened.closed;
  });
});
