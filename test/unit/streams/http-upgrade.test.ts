import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import { type UpgradeAnswer, upgradeHttp } from '../../../src/streams/http-upgrade.js';
import { refuseUpgrade } from '../../../src/streams/upgrade-response.js';
import { once } from '../../support/waits.js';
import { dial, startTcpServer, startUpgradeServer, type TestServer } from './support/upgrade-server.js';

const headers = ['Host', 'x', 'Connection', 'Upgrade', 'Upgrade', 'SPDY/3.1'];

describe('HTTP upgrade over an open connection', () => {
  let server: TestServer | undefined;

  async function ask(
    onData: (reply: (text: string) => void) => void,
    signal?: AbortSignal,
  ): Promise<UpgradeAnswer> {
    server = await startTcpServer((socket) => {
      socket.once('data', () => onData((text) => (text === '' ? socket.destroy() : socket.write(text))));
    });
    const socket = await dial(server.port);
    return upgradeHttp(socket, { method: 'GET', path: '/', headers, ...(signal && { signal }) });
  }

  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  it('hands over the socket and the bytes that came with the 101', async () => {
    const answer = await ask((reply) =>
      reply('HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-A: 1\r\nX-A: 2\r\n\r\nearly'),
    );
    expect(answer).toMatchObject({ kind: 'upgraded', status: 101, statusText: 'Yes' });
    expect(answer.kind === 'upgraded' && answer.head.toString()).toBe('early');
    expect(answer.rawHeaders).toEqual([
      'Connection',
      'Upgrade',
      'Upgrade',
      'SPDY/3.1',
      'X-A',
      '1',
      'X-A',
      '2',
    ]);
  });

  it('gives the body of a refusal', async () => {
    const answer = await ask((reply) => reply('HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone'));
    expect(answer).toMatchObject({ kind: 'refused', status: 404 });
    expect(answer.kind === 'refused' && answer.body.toString()).toBe('gone');
  });

  it('cuts the body of a refusal at 1 MiB', async () => {
    const size = 3 * 1024 * 1024;
    const answer = await ask((reply) =>
      reply(`HTTP/1.1 500 Oh\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`),
    );
    expect(answer.kind === 'refused' && answer.body.length).toBe(1024 * 1024);
  });

  it('rejects with EOF when the connection just closes', async () => {
    await expect(ask((reply) => reply(''))).rejects.toMatchObject({ code: 'TUNNEL_CLOSED', message: 'EOF' });
  });

  it('rejects what is no HTTP', async () => {
    await expect(ask((reply) => reply('220 smtp ready\r\n'))).rejects.toMatchObject({
      code: 'TUNNEL_CLOSED',
    });
  });

  it('gives up when its signal aborts, before or while it waits', async () => {
    const waiting = new AbortController();
    await expect(ask(() => waiting.abort(), waiting.signal)).rejects.toMatchObject({
      code: 'DIAL_CANCELLED',
    });
    await server?.close();
    await expect(ask(() => undefined, AbortSignal.abort())).rejects.toMatchObject({ code: 'DIAL_CANCELLED' });
  });
});

describe('refusal of an upgrade', () => {
  it('destroys a socket whose client does not leave', async () => {
    const clock = new ManualClock();
    const server = await startUpgradeServer(({ socket }) =>
      refuseUpgrade(socket, { status: 403, body: 'no' }, clock),
    );
    const socket = await dial(server.port);
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    const [text] = (await once(socket, 'data')) as [Buffer];
    expect(text.toString()).toBe(
      'HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n' +
        'Connection: close\r\n\r\nno',
    );
    expect(clock.pendingTimers).toBe(1);
    const closed = Promise.all([...server.sockets].map((each) => once(each, 'close')));
    clock.advance(5_000);
    await closed;
    socket.destroy();
    await server.close();
  });
});
