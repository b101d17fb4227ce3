import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EagerSocket } from '../../../src/wire/carrier/eager-socket.js';
import { once, soon } from '../../support/waits.js';

let server: Server;
let peer: Socket;
let eager: EagerSocket;

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  [peer] = await accepted;
  peer.on('error', () => undefined);
  eager = new EagerSocket(socket);
});

afterEach(async () => {
  eager.destroy();
  peer.destroy();
  server.close();
  await once(server, 'close');
});

const mib = 1024 * 1024;
const write = (data: Buffer): Promise<void> =>
  soon((resolve) => eager.write(data, () => resolve()), 'end of the write');

it('is done with a write although the peer reads nothing', async () => {
  for (let written = 0; written < 12; written += 1) await write(Buffer.alloc(mib));
  expect(peer.bytesRead).toBe(0);
});

it('waits when more is queued than a window allows, and continues when the peer reads', async () => {
  const chunk = Buffer.alloc(8 * mib);
  let done = 0;
  for (let started = 0; started < 8; started += 1) eager.write(chunk, () => (done += 1));
  await new Promise((resolve) => setImmediate(resolve));
  expect(done).toBeLessThan(8);
  let received = 0;
  peer.on('data', (data) => (received += data.length));
  peer.resume();
  await write(Buffer.of(1));
  expect(done).toBe(8);
  await expect.poll(() => received).toBe(8 * chunk.length + 1);
});

it('reports that many bytes wait for the kernel, and when they have gone', async () => {
  expect(eager.congested).toBe(false);
  while (!eager.congested) await write(Buffer.alloc(mib));
  let cleared = 0;
  const clear = soon<void>((resolve) => eager.whenClear(resolve), 'room, or the end of the socket').then(
    () => (cleared += 1),
  );
  expect(cleared).toBe(0);
  peer.resume();
  await clear;
  expect(eager.congested).toBe(false);
});

it('wakes all writers when it closes', async () => {
  while (!eager.congested) await write(Buffer.alloc(mib));
  const clear = soon<void>((resolve) => eager.whenClear(resolve), 'room, or the end of the socket');
  eager.destroy();
  await clear;
  expect(eager.congested).toBe(false);
});

it('reads only as many bytes as are wanted', async () => {
  const chunk = Buffer.alloc(16 * mib);
  peer.write(chunk);
  await once(eager, 'readable');
  expect(eager.readableLength).toBeLessThan(mib);
  let received = 0;
  eager.on('data', (data: Buffer) => (received += data.length));
  await expect.poll(() => received).toBe(chunk.length);
});

it('ends after what was written, and sees the end of the peer', async () => {
  const chunks: Buffer[] = [];
  peer.on('data', (data) => chunks.push(data));
  peer.resume();
  eager.resume();
  eager.end('last words');
  await once(peer, 'end');
  expect(Buffer.concat(chunks).toString()).toBe('last words');
  peer.end();
  await once(eager, 'close');
});

it('breaks when its socket breaks', async () => {
  const closed = soon<void>((resolve) => eager.once('close', () => resolve()), 'end of the socket');
  peer.resetAndDestroy();
  await closed;
  expect(eager.destroyed).toBe(true);
});
