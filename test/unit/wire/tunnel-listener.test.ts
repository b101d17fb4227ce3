import { type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRealClock, ManualClock } from '../../../src/core/clock.js';
import { connectId, dataPacket } from '../../../src/core/packet.js';
import type { ServedCall } from '../../../src/wire/carrier/served-call.js';
import {
  startTunnelListener,
  type TunnelListener,
  type TunnelListenerOptions,
} from '../../../src/wire/carrier/tunnel-listener.js';
import { encodeToBuffer } from '../../../src/wire/codec/codec.js';
import { currentHandles, expectNoNewHandles, type Handles } from '../../support/handles.js';
import { fields, frame, preface, uint32 } from '../../support/raw-http2.js';
import { once, soon } from '../../support/waits.js';

const closes: (() => unknown)[] = [];
let before: Handles;
beforeEach(() => {
  before = currentHandles();
});
afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close();
  await expectNoNewHandles(before);
});

interface Bench {
  readonly clock: ManualClock;
  readonly listener: TunnelListener;
  readonly calls: ServedCall[];
  readonly port: number;
}

async function open(options: Partial<TunnelListenerOptions> = {}): Promise<Bench> {
  const clock = new ManualClock();
  const calls: ServedCall[] = [];
  const listener = await startTunnelListener({
    method: 'Proxy',
    endpoint: { kind: 'plain', host: '127.0.0.1', port: 0 },
    ...{ keepaliveTimeMs: 3_600_000, where: 'test', clock },
    serve: (call) => void calls.push(call),
    ...options,
  });
  closes.push(() => listener.close());
  return { clock, listener, calls, port: Number(listener.address.split(':')[1]) };
}

const head = { ':method': 'POST', ':path': '/ProxyService/Proxy', 'content-type': 'application/grpc' };

async function openCall(
  { port, calls }: Bench,
  more: Readonly<Record<string, string>> = {},
): Promise<{ stream: ClientHttp2Stream; call: ServedCall }> {
  const client = connectHttp2(`http://127.0.0.1:${port}`);
  closes.push(() => client.destroy());
  client.on('error', () => undefined);
  const stream = client.request({ ...head, ...more }, { endStream: false });
  stream.on('error', () => undefined);
  await expect.poll(() => calls).toHaveLength(1);
  const [call] = calls;
  if (call === undefined) throw new Error('no call');
  return { stream, call };
}

/** A client that holds its direction open for as long as it likes. */
async function openSocket({ port }: Bench, ...bytes: readonly Buffer[]): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  closes.push(() => socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(Buffer.concat(bytes));
  return socket;
}

/** Those of both ends. */
const openSockets = (): number => currentHandles().kinds.get('TCPSocketWrap') ?? 0;

const request = frame('headers', {
  flags: 4,
  stream: 1,
  body: fields({ ':scheme': 'http', ':authority': 'x', ...head }),
});

it('a call whose time is over before it is accepted stays refused', async () => {
  const bench = await open();
  const { stream, call } = await openCall(bench, { 'grpc-timeout': '1S' });
  const answered = once(stream, 'response');
  bench.clock.advance(1000);
  call.accept();
  expect(call.gone).toBe(true);
  expect((await answered)[0]).toMatchObject({ 'grpc-status': '4' });
});

it('a call that its client resets without an error is gone, though data for it waits', async () => {
  const bench = await open();
  const socket = await openSocket(bench, preface, frame('settings'), request);
  socket.resume();
  await expect.poll(() => bench.calls).toHaveLength(1);
  const [call] = bench.calls;
  const gone = soon<void>((resolve) => call?.onGone(resolve), 'end of the call');
  call?.accept();
  const packets = call?.carry({});
  for (let sent = 0; sent < 4; sent++) packets?.send(dataPacket(connectId(1n), Buffer.alloc(60_000)));
  // One window.
  await expect.poll(() => socket.bytesRead).toBeGreaterThan(65_535);
  socket.write(frame('reset', { stream: 1, body: uint32(0) }));
  await gone;
});

/** An owner that answers each packet, and ends its direction when it hears of the end. */
async function echoCall(bench: Bench, more: Readonly<Record<string, string>> = {}) {
  const opened = await openCall(bench, more);
  const packets = opened.call.carry({});
  packets.start({
    packet: (packet) => {
      packets.send(packet);
      return undefined;
    },
    ended: () => packets.finish(),
  });
  const received: Buffer[] = [];
  opened.stream.on('data', (bytes: Buffer) => received.push(bytes));
  opened.call.accept();
  return { ...opened, packets, received: () => Buffer.concat(received).length };
}

/** One packet as a gRPC message. */
function message(payload: Uint8Array): Buffer {
  const packet = encodeToBuffer(dataPacket(connectId(1n), payload));
  return Buffer.concat([Buffer.from([0]), uint32(packet.length), packet]);
}

const garbage = Buffer.from([0, 0, 0, 0, 2, 0xff, 0xff]);

describe('packets that wait go before the status of a call that ends', () => {
  it('because the client sent what nobody can read', async () => {
    const { stream, received } = await echoCall(await open());
    const trailers = once(stream, 'trailers');
    const good = message(Buffer.alloc(100));
    stream.end(Buffer.concat([good, garbage]));
    expect((await trailers)[0]).toMatchObject({ 'grpc-status': '13' });
    expect(received()).toBe(good.length);
  });

  it('because its time is over', async () => {
    const bench = await open();
    const { stream, packets, received } = await echoCall(bench, { 'grpc-timeout': '1S' });
    const trailers = once(stream, 'trailers');
    const good = dataPacket(connectId(1n), Buffer.alloc(100));
    packets.send(good);
    bench.clock.advance(1000);
    expect((await trailers)[0]).toMatchObject({ 'grpc-status': '4' });
    expect(received()).toBe(message(Buffer.alloc(100)).length);
  });
});

describe('the socket is closed of a client that', () => {
  it('asks for nothing, and does not hang up when it is told to leave', async () => {
    const bench = await open();
    const others = openSockets();
    const socket = await openSocket(bench, preface, frame('settings'));
    const ended = once(socket, 'end');
    socket.resume();
    await expect.poll(() => socket.bytesRead).toBeGreaterThan(0);
    bench.clock.advance(60_000);
    await ended;
    expect(openSockets()).toBe(others + 2);
    bench.clock.advance(1000);
    await expect.poll(openSockets).toBe(others + 1);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it.each([
    ['answers no ping, and reads nothing of the much that waits for it', Buffer.alloc(0)],
    // A frame of a stream that is none. Its session ends, and waits for the write.
    ['breaks HTTP/2, and reads nothing', frame('data', { stream: 0 })],
  ])('%s', async (_what, last) => {
    const bench = await open({ keepaliveTimeMs: 50, keepaliveTimeoutMs: 100, clock: createRealClock() });
    const others = openSockets();
    const windowBytes = 2 ** 30;
    // 4: the first window of a stream.
    const window = frame('settings', { body: Buffer.concat([Buffer.from([0, 4]), uint32(windowBytes)]) });
    const wider = frame('windowUpdate', { body: uint32(windowBytes) });
    const socket = await openSocket(bench, preface, window, wider, request);
    await expect.poll(() => bench.calls).toHaveLength(1);
    const [call] = bench.calls;
    call?.accept();
    const packets = call?.carry({});
    for (let sent = 0; sent < 400; sent++) packets?.send(dataPacket(connectId(1n), Buffer.alloc(60_000)));
    socket.write(last);
    await expect.poll(() => call?.gone).toBe(true);
    await expect.poll(openSockets).toBe(others + 1);
  });
});

const keepalive = { keepaliveTimeMs: 50, keepaliveTimeoutMs: 50, clock: createRealClock() };

it('a call that is open when new ones are refused ends when its peer falls silent', async () => {
  const bench = await open(keepalive);
  const silent = await openSocket(bench, preface, frame('settings'), request);
  silent.resume();
  await expect.poll(() => bench.calls).toHaveLength(1);
  bench.listener.drain();
  await expect.poll(() => bench.calls[0]?.gone).toBe(true);
});

it('a call that is open when new ones are refused outlives the time of a ping and of its answer', async () => {
  const bench = await open(keepalive);
  const { call } = await openCall(bench);
  bench.listener.drain();
  // Another one shows when that time is over.
  const other = await open(keepalive);
  const silent = await openSocket(other, preface, frame('settings'), request);
  silent.resume();
  await once(silent, 'end');
  expect(call.gone).toBe(false);
});
