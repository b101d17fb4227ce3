import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCompany } from './company.js';
import { type Dial, openMany } from './dialling.js';
import { type EndpointCounts, modes } from './modes.js';
import type { CellRequest, Sample } from './requests.js';
import { host } from './sockets.js';
import { cpuMsOf } from './usage.js';

const chunk = Buffer.alloc(64 * 1024, 'konnectivity');

export function counts(controlPort: number): Promise<EndpointCounts> {
  return new Promise((resolve, reject) => {
    const socket = connect(controlPort, host, () => socket.write('?'));
    socket.on('error', reject);
    socket.once('data', (text) => {
      resolve(JSON.parse(text.toString()) as EndpointCounts);
      socket.destroy();
    });
  });
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

/** Uploads or downloads over all connections at once. */
export async function bulk(dial: Dial, request: CellRequest, controlPort: number): Promise<Sample> {
  const streams = await openMany(dial, request.connections);
  const company = await openCompany(dial, request.beside);
  let receivedBytes = 0;
  for (const stream of streams) {
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
    for (const stream of [...streams, ...company]) stream.destroy();
  }
}
