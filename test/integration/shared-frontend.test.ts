import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startLab } from '../../src/lab/start-lab.js';
import { runMs, soon } from '../support/waits.js';

const connections = 12;
const block = randomBytes(64 * 1024);
const blocks = 24;

/** Sends small and large pieces, and reads beside it. Resolves with the sum of as many bytes as it sends. */
async function flood(stream: Duplex): Promise<string> {
  const hash = createHash('sha256');
  let left = blocks * block.length;
  const whole = new Promise<string>((resolve) => {
    stream.on('data', (data: Buffer) => {
      hash.update(data);
      left -= data.length;
      if (left === 0) resolve(hash.digest('hex'));
    });
  });
  for (let sent = 0; sent < blocks; sent += 1) {
    for (let at = 0; at < 64; at += 1) stream.write(block.subarray(at, at + 1));
    if (!stream.write(block.subarray(64))) await once(stream, 'drain');
  }
  return whole;
}

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => undefined);
  void flood(socket);
});
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => void server.close());

it('one frontend connection carries many floods both ways at once, and does not stand still', async () => {
  await using lab = await startLab({ nodes: 1 });
  const { port } = server.address() as AddressInfo;
  const dials = Array.from({ length: connections }, () => lab.dial('127.0.0.1', port));
  const streams = await Promise.all(dials);
  const sums = await soon<string[]>(
    (resolve, reject) => void Promise.all(streams.map(flood)).then(resolve, reject),
    'all bytes of all connections',
    { withinMs: runMs },
  );
  for (const stream of streams) stream.destroy();
  const whole = createHash('sha256');
  for (let sent = 0; sent < blocks; sent += 1) whole.update(block);
  expect(new Set(sums)).toEqual(new Set([whole.digest('hex')]));
});
