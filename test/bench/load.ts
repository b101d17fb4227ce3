import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { createRealClock } from '../../src/core/clock.js';
import { ignoreEvents } from '../../src/core/events.js';
import { createRandom } from '../../src/core/random.js';
import { TunnelClient } from '../../src/wire/client/tunnel-client.js';
import { type EndpointCounts, modes } from './modes.js';
import { exchangeOnce } from './single-use.js';
import { host } from './sockets.js';
import { cpuMsOf } from './usage.js';
import { serve } from './worker.js';

/** How connections to the endpoint are had. */
export type Way =
  | { readonly kind: 'tcp'; readonly port: number }
  | { readonly kind: 'tunnel'; readonly address: string; readonly endpointPort: number };

export interface LoadSetup {
  readonly way: Way;
  readonly controlPort: number;
}

export interface CellRequest {
  readonly cell: 'upload' | 'download' | 'ping-pong' | 'dials' | 'single-use-dials';
  readonly connections: number;
  /** Size of each write of an upload; default 64 KiB. */
  readonly writeBytes?: number;
  readonly warmUpMs: number;
  readonly windowMs: number;
  /** Whose processor time counts. */
  readonly pids: readonly number[];
}

/**
 * Named numbers: `rate` (MB/s or dials/s), `cpuSecondsPerGb`, `p50Us`, `p99Us`; for dials the processor milliseconds of
 * each, `clientMs` and `hopsMs`, the two processes between client and endpoint.
 */
export type Sample = Readonly<Record<string, number>>;

type Dial = () => Promise<Duplex>;
const chunk = Buffer.alloc(64 * 1024, 'konnectivity');
const pingBytes = 64;

function createDial(way: Way): Dial {
  if (way.kind === 'tcp') return () => dialTcp(way.port);
  const client = new TunnelClient({
    ...{ address: way.address, clock: createRealClock(), random: createRandom(process.pid) },
    ...{ emit: ignoreEvents, packetEvents: false, name: 'client/bench', serverName: 'server/bench' },
  });
  return () => client.dial(host, way.endpointPort);
}

function dialTcp(port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, noDelay: true }, () => resolve(socket));
    socket.on('error', reject);
  });
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function counts(controlPort: number): Promise<EndpointCounts> {
  return new Promise((resolve, reject) => {
    const socket = connect(controlPort, host, () => socket.write('?'));
    socket.on('error', reject);
    socket.once('data', (text) => {
      resolve(JSON.parse(text.toString()) as EndpointCounts);
      socket.destroy();
    });
  });
}

/** So that no cell pays for the one before. */
async function untilQuiet(controlPort: number): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if ((await counts(controlPort)).open === 0) return;
    await sleep(20);
  }
}

/** Some writes a turn, so that what comes in has its turn, too. */
function send(stream: Duplex, data: Buffer): void {
  for (let sentBytes = 0; sentBytes < 8 * chunk.length; sentBytes += data.length) {
    if (stream.destroyed) return;
    if (!stream.write(data)) return void stream.once('drain', () => send(stream, data));
  }
  setImmediate(send, stream, data);
}

interface Meter {
  readonly bytes: number;
  readonly atMs: number;
}

async function throughput(request: CellRequest, read: () => Promise<Meter>): Promise<Sample> {
  await sleep(request.warmUpMs);
  const cpuBefore = request.pids.map((pid) => cpuMsOf([pid]));
  const before = await read();
  await sleep(request.windowMs);
  const after = await read();
  const cpuAfter = request.pids.map((pid) => cpuMsOf([pid]));
  const bytes = after.bytes - before.bytes;
  const rate = bytes / 1e6 / ((after.atMs - before.atMs) / 1000);
  if (cpuBefore.includes(undefined) || cpuAfter.includes(undefined) || bytes === 0) return { rate };
  const perGb = cpuAfter.map((after, index) => ((after ?? 0) - (cpuBefore[index] ?? 0)) / (bytes / 1e6));
  const [client = 0, server = 0, agent = 0, endpoint = 0] = perGb;
  return { rate, cpuSecondsPerGb: client + server + agent + endpoint, client, server, agent, endpoint };
}

async function bulk(dial: Dial, request: CellRequest, controlPort: number): Promise<Sample> {
  const streams = await Promise.all(Array.from({ length: request.connections }, dial));
  let receivedBytes = 0;
  for (const stream of streams) {
    stream.on('error', () => undefined);
    stream.on('data', (data: Buffer) => {
      receivedBytes += data.length;
    });
    stream.write(Buffer.of(request.cell === 'upload' ? modes.upload : modes.download));
    if (request.cell === 'upload') send(stream, chunk.subarray(0, request.writeBytes));
  }
  const here = async (): Promise<Meter> => ({ bytes: receivedBytes, atMs: performance.now() });
  const there = async (): Promise<Meter> => {
    const { receivedBytes: bytes, atMs } = await counts(controlPort);
    return { bytes, atMs };
  };
  try {
    return await throughput(request, request.cell === 'upload' ? there : here);
  } finally {
    for (const stream of streams) stream.destroy();
  }
}

/** Resolves when `size` bytes have come, or the stream is over. */
function receive(stream: Duplex, size: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let missing = size;
    const over = (): void => reject(new Error('the connection ended'));
    const take = (data: Buffer): void => {
      missing -= data.length;
      if (missing > 0) return;
      stream.off('data', take);
      stream.off('close', over);
      resolve();
    };
    stream.on('data', take);
    stream.once('close', over);
  });
}

async function pingPong(dial: Dial, { warmUpMs, windowMs }: CellRequest): Promise<Sample> {
  const stream = await dial();
  stream.on('error', () => undefined);
  stream.write(Buffer.of(modes.echo));
  const ping = Buffer.alloc(pingBytes, 'p');
  const tookUs: number[] = [];
  const beginMs = performance.now();
  for (let nowMs = beginMs; nowMs < beginMs + warmUpMs + windowMs; ) {
    const back = receive(stream, pingBytes);
    stream.write(ping);
    await back;
    const endMs = performance.now();
    if (nowMs > beginMs + warmUpMs) tookUs.push((endMs - nowMs) * 1000);
    nowMs = endMs;
  }
  stream.destroy();
  tookUs.sort((a, b) => a - b);
  const at = (share: number): number => tookUs[Math.floor(tookUs.length * share)] ?? Number.NaN;
  return { p50Us: at(0.5), p99Us: at(0.99) };
}

type Exchange = () => Promise<void>;
const echoed = Buffer.of(modes.echo, 0x78);

/** A dial counts when a byte has come back: what TCP accepts, a relay has not carried yet. */
function exchangeBy(dial: Dial): Exchange {
  return async () => {
    const stream = await dial();
    stream.on('error', () => undefined);
    const back = receive(stream, 1);
    stream.write(echoed);
    await back;
    stream.destroy();
  };
}

function createExchange(way: Way, dial: Dial, { cell }: CellRequest): Exchange {
  if (cell !== 'single-use-dials' || way.kind === 'tcp') return exchangeBy(dial);
  const once = { address: way.address, host, port: way.endpointPort, data: echoed };
  return () => exchangeOnce(once);
}

async function dials(exchange: Exchange, { connections, windowMs, pids }: CellRequest): Promise<Sample> {
  const cpuBefore = pids.map((pid) => cpuMsOf([pid]));
  const beginMs = performance.now();
  let done = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < beginMs + windowMs) {
      await exchange();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  const rate = done / ((performance.now() - beginMs) / 1000);
  const cpuAfter = pids.map((pid) => cpuMsOf([pid]));
  if (cpuBefore.includes(undefined) || cpuAfter.includes(undefined)) return { rate };
  const each = cpuAfter.map((after, index) => ((after ?? 0) - (cpuBefore[index] ?? 0)) / done);
  const [clientMs = 0, serverMs = 0, agentMs = 0] = each;
  return { rate, clientMs, hopsMs: serverMs + agentMs, serverMs, agentMs };
}

serve(async ({ way, controlPort }: LoadSetup) => {
  const dial = createDial(way);
  const run = (request: CellRequest): Promise<Sample> => {
    if (request.cell === 'ping-pong') return pingPong(dial, request);
    if (request.cell === 'upload' || request.cell === 'download') return bulk(dial, request, controlPort);
    return dials(createExchange(way, dial, request), request);
  };
  const handle = async (request: CellRequest): Promise<Sample> => {
    try {
      return await run(request);
    } finally {
      await untilQuiet(controlPort);
    }
  };
  return { hello: undefined, handle };
});
