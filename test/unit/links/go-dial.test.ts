import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { createRealClock, ManualClock } from '../../../src/core/clock.js';
import { goDial } from '../../../src/links/go-dial.js';
import { connectError, lookupError, noSuchHost, stopError } from '../../../src/links/go-errors.js';
import { once, soon } from '../../support/waits.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function listen(
  onSocket: (socket: Socket) => void = () => undefined,
  host = '127.0.0.1',
): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    closers.push(() => socket.destroy());
    onSocket(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A free port without a listener. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A listener that never accepts and whose queue is full: the kernel ignores further attempts. */
async function silentPort(): Promise<number> {
  const source = `
    const { parentPort } = require('node:worker_threads');
    const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const worker = new Worker(source, { eval: true });
  closers.push(() => worker.terminate());
  const [port] = (await once(worker, 'message')) as [number];
  for (let filler = 0; filler < 2; filler++) {
    const socket = await goDial('127.0.0.1', port);
    closers.push(() => socket.destroy());
  }
  return port;
}

describe('goDial', () => {
  it('resolves with a socket that carries bytes both ways', async () => {
    const port = await listen((socket) => socket.pipe(socket));
    const socket = await goDial('127.0.0.1', port);
    socket.end('ping');
    expect(String((await once(socket, 'data'))[0])).toBe('ping');
    await once(socket, 'close');
  });

  it('returns a socket whose errors need no listener', async () => {
    const port = await listen((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const socket = await goDial('127.0.0.1', port);
    socket.write('x');
    const [hadError] = await soon<[boolean]>(
      (resolve) => socket.once('close', (had) => resolve([had])),
      'end of the socket',
    );
    expect(hadError).toBe(true);
  });

  it('names the resolved address, not the name, when the connection is refused', async () => {
    const port = await closedPort();
    const refusal = { code: 'DIAL_FAILED', where: `endpoint 127.0.0.1:${port}` };
    const message = `dial tcp 127.0.0.1:${port}: connect: connection refused`;
    await expect(goDial('127.0.0.1', port)).rejects.toMatchObject({ ...refusal, message });
    await expect(goDial('localhost', port)).rejects.toThrow(
      /^dial tcp (127\.0\.0\.1|\[::1\]):\d+: connect: connection refused$/,
    );
  });

  it('finds a listener on either loopback address by the name localhost', async () => {
    const port = await listen();
    const socket = await goDial('localhost', port);
    expect(socket.remotePort).toBe(port);
    socket.destroy();
  });

  it('says i/o timeout, when no answer comes in time', async () => {
    const port = await silentPort();
    const clock = createRealClock();
    const startMs = clock.now();
    await expect(goDial('127.0.0.1', port, { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'DIAL_TIMEOUT',
      message: `dial tcp 127.0.0.1:${port}: i/o timeout`,
    });
    expect(clock.now() - startMs).toBeLessThan(1500);
  });

  it('stops at once when its signal aborts, and says that it was canceled', async () => {
    const port = await silentPort();
    const controller = new AbortController();
    const dial = goDial('127.0.0.1', port, { signal: controller.signal });
    controller.abort();
    const message = `dial tcp 127.0.0.1:${port}: operation was canceled`;
    await expect(dial).rejects.toMatchObject({ code: 'DIAL_CANCELLED', message });
    await expect(goDial('127.0.0.1', port, { signal: controller.signal })).rejects.toMatchObject({ message });
  });

  it('leaves no timer behind, whether it succeeds or fails', async () => {
    const clock = new ManualClock();
    const port = await listen();
    (await goDial('127.0.0.1', port, { clock })).destroy();
    await expect(goDial('127.0.0.1', await closedPort(), { clock })).rejects.toThrow();
    expect(clock.pendingTimers).toBe(0);
  });

  it('refuses a wrong port', async () => {
    await expect(goDial('10.0.0.1', 70_000)).rejects.toMatchObject({
      message: 'dial tcp: address 70000: invalid port',
    });
  });
});

describe('the texts of Go', () => {
  const systemError = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code });
  const at = { host: '10.0.0.1', port: 10250 };

  it.each([
    ['ECONNREFUSED', 'dial tcp 10.0.0.1:10250: connect: connection refused'],
    ['ETIMEDOUT', 'dial tcp 10.0.0.1:10250: connect: connection timed out'],
    ['EHOSTUNREACH', 'dial tcp 10.0.0.1:10250: connect: no route to host'],
    ['ENETUNREACH', 'dial tcp 10.0.0.1:10250: connect: network is unreachable'],
    ['EACCES', 'dial tcp 10.0.0.1:10250: connect: permission denied'],
    ['EMFILE', 'dial tcp 10.0.0.1:10250: socket: too many open files'],
    ['EODD', 'dial tcp 10.0.0.1:10250: connect: connect EODD'],
  ])('for %s', (code, text) => {
    expect(connectError(at, systemError(code)).message).toBe(text);
  });

  it('put IPv6 addresses in brackets', () => {
    const v6 = { host: 'fd00::1', port: 10250 };
    expect(connectError(v6, systemError('ECONNREFUSED')).message).toBe(
      'dial tcp [fd00::1]:10250: connect: connection refused',
    );
  });

  it('for names that do not resolve, with and without the server asked', () => {
    const name = { host: 'node-9', port: 10250 };
    expect(lookupError(name, systemError('ENOTFOUND')).message).toBe('dial tcp: lookup node-9: no such host');
    expect(lookupError(name, systemError('EAI_AGAIN')).message).toBe(
      'dial tcp: lookup node-9: Temporary failure in name resolution',
    );
    expect(noSuchHost(name, '10.96.0.10').message).toBe(
      'dial tcp: lookup node-9 on 10.96.0.10:53: no such host',
    );
    expect(stopError(name, 'timeout').message).toBe('dial tcp: lookup node-9: i/o timeout');
  });
});
