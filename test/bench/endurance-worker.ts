import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { greet } from './company.js';
import { createDial, openMany } from './dialling.js';
import type { TunnelWay } from './requests.js';
import { host, listen } from './sockets.js';
import { serve } from './worker.js';

/** The first request: where the tunnel is. The far end is in this process, and its port is the hello. */
export type EnduranceRequest =
  | { readonly step: 'download'; readonly way: TunnelWay; readonly sizeBytes: number }
  | { readonly step: 'stop'; readonly way: TunnelWay; readonly sizeBytes: number; readonly restMs: number }
  | { readonly step: 'crowd'; readonly way: TunnelWay; readonly connections: number };

/** What came, and whether that is what was sent. */
export interface Endured {
  readonly count: number;
  readonly right: boolean;
}

const chunkBytes = 256 * 1024;
const sizeLine = 12;

/** A size, as `sizeLine` digits, is asked for: so many bytes come, no two blocks alike. Anything else comes back. */
async function serveBytes(socket: Socket): Promise<void> {
  socket.on('error', () => undefined);
  const [first] = (await once(socket, 'data')) as [Buffer];
  const sizeBytes = Number(first.toString('latin1'));
  if (first.length !== sizeLine || !Number.isInteger(sizeBytes)) {
    socket.write(first.subarray(1));
    socket.pipe(socket);
    return;
  }
  const hash = createHash('sha256');
  for (let sent = 0; sent < sizeBytes && !socket.destroyed; sent += chunkBytes) {
    const block = Buffer.alloc(Math.min(chunkBytes, sizeBytes - sent), `block at ${sent}\n`);
    hash.update(block);
    if (!socket.write(block)) await once(socket, 'drain');
  }
  sentSums.push(hash.digest('hex'));
  socket.end();
}

/** SHA-256 of the downloads that were sent whole, in order of their ends. */
const sentSums: string[] = [];

async function download(way: TunnelWay, sizeBytes: number, restMs = 0): Promise<Endured> {
  const stream = await createDial(way, true)();
  stream.on('error', () => undefined);
  stream.pause().write(sizeBytes.toString().padStart(sizeLine, '0'));
  await sleep(restMs);
  return summed(stream);
}

async function summed(stream: Duplex): Promise<Endured> {
  const hash = createHash('sha256');
  let count = 0;
  for await (const data of stream) {
    hash.update(data as Buffer);
    count += (data as Buffer).length;
  }
  return { count, right: sentSums.includes(hash.digest('hex')) };
}

/** Opens all, and then each has an echo. */
async function crowd(way: TunnelWay, connections: number): Promise<Endured> {
  const streams = await openMany(createDial(way, true), connections);
  const echoed = await Promise.allSettled(streams.map(greet));
  for (const stream of streams) stream.destroy();
  const count = echoed.filter(({ status }) => status === 'fulfilled').length;
  return { count, right: count === connections };
}

function run(request: EnduranceRequest): Promise<Endured> {
  switch (request.step) {
    case 'download':
      return download(request.way, request.sizeBytes);
    case 'stop':
      return download(request.way, request.sizeBytes, request.restMs);
    case 'crowd':
      return crowd(request.way, request.connections);
  }
}

serve(async () => ({
  hello: await listen(
    createServer({ allowHalfOpen: true }, (socket) => void serveBytes(socket).catch(() => socket.destroy())),
    host,
  ),
  handle: run,
}));
