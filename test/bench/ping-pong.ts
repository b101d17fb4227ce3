import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { greet, openCompany } from './company.js';
import { type Dial, openMany } from './dialling.js';
import { receive } from './receive.js';
import type { CellRequest, Sample } from './requests.js';
import { rssBytesOf } from './usage.js';

const pingBytes = 64;
const echoBytes = 16 * 1024;
const settleMs = 500;

/** 64 bytes there and back, one after the other. Without any echo there is no `p50Us`, and `rate` is 0. */
export async function pingPong(dial: Dial, request: CellRequest): Promise<Sample> {
  const stream = await dial();
  stream.on('error', () => undefined);
  await greet(stream);
  const before = memoryOf(request);
  const company = await openCompany(dial, request.beside);
  const memory = await grownBy(company.length, before, request);
  const tookUs = await pings(stream, request);
  for (const each of [stream, ...company]) each.destroy();
  tookUs.sort((a, b) => a - b);
  const at = (share: number): number => tookUs[Math.floor(tookUs.length * share)] ?? Number.NaN;
  return { p50Us: at(0.5), p99Us: at(0.99), rate: tookUs.length / (request.windowMs / 1000), ...memory };
}

async function pings(stream: Duplex, { warmUpMs, windowMs }: CellRequest): Promise<number[]> {
  const ping = Buffer.alloc(pingBytes, 'p');
  const tookUs: number[] = [];
  const beginMs = performance.now();
  // An echo that does not come in time never counts.
  const limit = setTimeout(() => stream.destroy(), warmUpMs + windowMs + settleMs);
  for (let nowMs = beginMs; nowMs < beginMs + warmUpMs + windowMs; ) {
    const back = receive(stream, pingBytes);
    stream.write(ping);
    if (
      !(await back.then(
        () => true,
        () => false,
      ))
    )
      break;
    const endMs = performance.now();
    if (nowMs > beginMs + warmUpMs) tookUs.push((endMs - nowMs) * 1000);
    nowMs = endMs;
  }
  clearTimeout(limit);
  return tookUs;
}

const hopsOf = ({ pids: [, server = 0, agent = 0] }: CellRequest) => ({ server, agent });

function memoryOf(request: CellRequest) {
  const { server, agent } = hopsOf(request);
  return { server: rssBytesOf(server) ?? Number.NaN, agent: rssBytesOf(agent) ?? Number.NaN };
}

async function grownBy(
  connections: number,
  before: ReturnType<typeof memoryOf>,
  request: CellRequest,
): Promise<Sample> {
  if ((request.beside?.idle ?? 0) === 0) return {};
  await sleep(settleMs);
  const now = memoryOf(request);
  const each = (side: 'server' | 'agent'): number => (now[side] - before[side]) / 1024 / connections;
  return { serverKib: each('server'), agentKib: each('agent') };
}

/** 16 KiB there and back on every connection, again and again. `rate` is what comes back, MB/s. */
export async function echoes(dial: Dial, { connections, warmUpMs, windowMs }: CellRequest): Promise<Sample> {
  const streams = await openMany(dial, connections);
  await Promise.all(streams.map(greet));
  const data = Buffer.alloc(echoBytes, 'e');
  let cameBytes = 0;
  const go = async (stream: Duplex): Promise<void> => {
    while (!stream.destroyed) {
      const back = receive(stream, echoBytes);
      stream.write(data);
      await back;
      cameBytes += echoBytes;
    }
  };
  const ended = streams.map((stream) => go(stream).catch(() => undefined));
  await sleep(warmUpMs);
  const [bytes, atMs] = [cameBytes, performance.now()];
  await sleep(windowMs);
  const rate = (cameBytes - bytes) / 1e6 / ((performance.now() - atMs) / 1000);
  for (const stream of streams) stream.destroy();
  await Promise.all(ended);
  return { rate };
}
