import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createRealClock, ManualClock } from '../../../src/core/clock.js';
import { agentKeepalivePolicy, frontendKeepalivePolicy } from '../../../src/core/keepalive-policy.js';
import { connectId, dataPacket } from '../../../src/core/packet.js';
import { createCertificateSet, leafTls } from '../../../src/pki/certificate-set.js';
import type { ServedCall } from '../../../src/wire/carrier/served-call.js';
import { startTunnelListener } from '../../../src/wire/carrier/tunnel-listener.js';
import type { Refusal } from '../../../src/wire/net/tls-refusals.js';
import { scratchFolder } from '../../support/konnsim.js';
import { once, soon } from '../../support/waits.js';

const closes: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close();
});

interface Bench {
  readonly clock: ManualClock;
  readonly client: ClientHttp2Session;
  readonly calls: ServedCall[];
  readonly refusals: Refusal[];
  readonly path: string;
  /** GOAWAYs received: code and debug data. */
  readonly farewells: [number, string][];
}

/** A listener on a Unix socket and an HTTP/2 client that is no gRPC library. */
async function open(policy = agentKeepalivePolicy): Promise<Bench> {
  const folder = await scratchFolder();
  closes.push(() => folder.remove());
  const path = `${folder.path}/s.sock`;
  const clock = new ManualClock();
  const [calls, refusals]: [ServedCall[], Refusal[]] = [[], []];
  const listener = await startTunnelListener({
    method: 'Connect',
    endpoint: { kind: 'unix', path },
    ...{ keepaliveTimeMs: 3_600_000, clock: new ManualClock() },
    where: 'test',
    pings: { policy, clock },
    refused: (refusal) => refusals.push(refusal),
    serve: (call) => void calls.push(call),
  });
  closes.push(() => listener.close());
  const client = connect('http://localhost', { createConnection: () => connectTcp(path) });
  closes.push(() => client.destroy());
  client.on('error', () => undefined);
  const farewells: [number, string][] = [];
  client.on('goaway', (code, _last, data) => farewells.push([code, String(data ?? '')]));
  await once(client, 'remoteSettings');
  return { clock, client, calls, refusals, path, farewells };
}

async function openStream({
  client,
  calls,
}: Bench): Promise<{ stream: ClientHttp2Stream; call: ServedCall }> {
  const stream = client.request({
    ':method': 'POST',
    ':path': '/AgentService/Connect',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', () => undefined);
  await expect.poll(() => calls.length).toBeGreaterThan(0);
  const call = calls.at(-1);
  if (call === undefined) throw new Error('no call');
  return { stream, call };
}

const gone = (call: ServedCall): Promise<void> => soon((resolve) => call.onGone(resolve), 'end of the call');

function ping(client: ClientHttp2Session): Promise<void> {
  // The last one may get a GOAWAY instead of its answer.
  return soon((resolve) => void client.ping(() => resolve()), 'answer to a ping');
}

async function pings({ client, clock }: Bench, count: number, everyMs: number): Promise<void> {
  for (let sent = 0; sent < count; sent++) {
    clock.advance(everyMs);
    await ping(client);
  }
}

describe('a client that pings too much', () => {
  it('is told so at the fourth ping, with the code and the words of gRPC', async () => {
    const bench = await open();
    await pings(bench, 3, 1000);
    expect(bench.farewells).toEqual([]);
    await pings(bench, 1, 1000);
    await expect.poll(() => bench.farewells).toEqual([[11, 'too_many_pings']]);
    expect(bench.refusals).toEqual([{ peer: '', error: 'too_many_pings' }]);
  });

  it('has a second to read why; then its connection ends, whether it hangs up or not', async () => {
    const { clock, path } = await open();
    const socket = connectTcp(path);
    closes.push(() => socket.destroy());
    let received = '';
    socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');
    socket.write('\0\0\x08\x06\0\0\0\0\0ping-pay'.repeat(4), 'latin1');
    const ended = once(socket, 'close');
    await expect.poll(() => received).toContain('\0\0\0\x0btoo_many_pings');
    clock.advance(999);
    expect(socket.readyState).toBe('open');
    clock.advance(1);
    await ended;
    expect(clock.pendingTimers).toBe(0);
  });

  it('loses its stream, which the server is told of', async () => {
    const bench = await open();
    const { call } = await openStream(bench);
    const cancelled = gone(call);
    await pings(bench, 4, 1000);
    await expect.poll(() => bench.farewells).toHaveLength(1);
    bench.clock.advance(1000);
    await cancelled;
  });

  it('is forgiven after headers or data: the next ping is free, and the count starts again', async () => {
    const bench = await open();
    const { stream, call } = await openStream(bench);
    await pings(bench, 3, 1000);
    const answered = once(stream, 'response');
    call.accept();
    await answered;
    await pings(bench, 3, 1000);
    const received = once(stream, 'data');
    call.carry({}).send(dataPacket(connectId(1n), Buffer.from('x')));
    await received;
    await pings(bench, 3, 1000);
    expect(bench.farewells).toEqual([]);
    await pings(bench, 1, 1000);
    await expect.poll(() => bench.farewells).toHaveLength(1);
  });

  it('is not ended while data for it waits for its window', async () => {
    const bench = await open();
    const { stream, call } = await openStream(bench);
    stream.pause();
    call.accept();
    call.carry({}).send(dataPacket(connectId(1n), Buffer.alloc(1024 * 1024)));
    await once(stream, 'response');
    await pings(bench, 20, 1);
    expect(bench.farewells).toEqual([]);
    stream.resume();
    let gotBytes = 0;
    stream.on('data', (chunk: Buffer) => (gotBytes += chunk.length));
    await expect.poll(() => gotBytes).toBeGreaterThan(1024 * 1024);
    await pings(bench, 4, 1);
    await expect.poll(() => bench.farewells).toHaveLength(1);
  });

  it('as a frontend without a stream is told so, though its pings would be few enough with one', async () => {
    const bench = await open(frontendKeepalivePolicy);
    const { stream } = await openStream(bench);
    await pings(bench, 10, 300_000);
    stream.close();
    await once(stream, 'close');
    await pings(bench, 2, 300_000);
    expect(bench.farewells).toEqual([]);
    await pings(bench, 1, 300_000);
    await expect.poll(() => bench.farewells).toEqual([[11, 'too_many_pings']]);
  });
});

describe('a client that pings every 30 s or 31 s', () => {
  it.each([30_000, 31_000])('may do so for ever: %d', async (everyMs) => {
    const bench = await open();
    await pings(bench, 20, everyMs);
    expect([bench.farewells, bench.refusals]).toEqual([[], []]);
  });
});

/** A TCP way to a listener that can be made to carry nothing any more, with both ends open. */
async function openWay(
  address: string,
): Promise<{ port: number; freeze: () => void; ended: Promise<unknown> }> {
  const [host, port] = address.split(':');
  const sockets: Socket[] = [];
  let ended: Promise<unknown> = Promise.resolve();
  const server = createServer((front) => {
    const back = connectTcp(Number(port), host ?? '');
    for (const socket of [front, back]) socket.on('error', () => undefined);
    sockets.push(front, back);
    back.pipe(front).pipe(back);
    ended = once(back, 'close');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closes.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    freeze: () => {
      const [front, back] = sockets;
      front?.unpipe(back);
      back?.unpipe(front);
      // The kernel still accepts bytes, but the process does not answer.
      back?.resume();
    },
    get ended() {
      return ended;
    },
  };
}

describe('a peer that falls silent with its TCP connection up', () => {
  it('is cut when it leaves a ping unanswered', async () => {
    const { certPem: cert, keyPem: key, ca } = await serverPair();
    const calls: ServedCall[] = [];
    const listener = await startTunnelListener({
      method: 'Connect',
      endpoint: { kind: 'tcp', host: '127.0.0.1', port: 0, tls: { cert, key } },
      ...{ keepaliveTimeMs: 100, keepaliveTimeoutMs: 300, where: 'test', clock: createRealClock() },
      serve: (call) => void calls.push(call),
    });
    closes.push(() => listener.close());
    const way = await openWay(listener.address);
    const client = connect(`https://localhost:${way.port}`, { ca });
    closes.push(() => client.destroy());
    client.on('error', () => undefined);
    const bench = { client, calls } as unknown as Bench;
    const { call } = await openStream(bench);
    let answered = 0;
    client.on('ping', () => (answered += 1));
    await expect.poll(() => answered).toBeGreaterThan(2);
    expect(call.gone).toBe(false);
    way.freeze();
    await gone(call);
    await way.ended;
  });
});

async function serverPair() {
  const set = await createCertificateSet();
  return { ...set.leaves.server, ca: leafTls(set, 'server').ca };
}
