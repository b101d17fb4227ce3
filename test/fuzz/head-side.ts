import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRealClock } from '../../src/core/clock.js';
import { createRandom, type Random } from '../../src/core/random.js';
import { startConnectListener } from '../../src/wire/connect/connect-listener.js';
import { once } from '../support/waits.js';
import { mutate, randomBytes } from './mutate.js';
import { oneIn, pick } from './packet-source.js';
import type { FuzzRun } from './run-side.js';

const heads = [
  'CONNECT 10.0.0.1:10250 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
  'CONNECT [fd00::1]:10250 HTTP/1.1\r\n\r\nearly bytes',
  'GET http://a/b HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nCONNECT a:1 HTTP/1.1\r\n\r\n',
  'POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\nCONNECT a:1 HTTP/1.1\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n',
].map((text) => Buffer.from(text));

const atOnce = 64;

function someHead(random: Random): Buffer {
  if (oneIn(random, 10)) return randomBytes(random, random.below(200));
  let bytes: Buffer = pick(random, heads);
  for (let times = random.below(4); times > 0; times -= 1) bytes = mutate(random, bytes);
  if (oneIn(random, 10)) bytes = Buffer.concat([bytes, pick(random, heads)]);
  return bytes;
}

/** How many heads one connection carries: one, or a row of them; a listener must get over each in turn. */
function headsOfOne(random: Random, most: number): number {
  return oneIn(random, 4) ? 1 : Math.min(most, 1 + random.below(25));
}

interface Visit {
  readonly path: string;
  readonly bytes: Buffer;
  /** Where the bytes are cut into two writes. */
  readonly cut: number;
  /** Leaves without waiting for an answer. */
  readonly hasty: boolean;
}

/** One connection: sends, ends its direction, and waits until both are over. Resolves with the first byte's text. */
async function visit({ path, bytes, cut, hasty }: Visit): Promise<string> {
  const socket = connect({ path, allowHalfOpen: true });
  let answer = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    answer ||= chunk.toString('latin1', 0, 9);
  });
  socket.write(bytes.subarray(0, cut));
  if (hasty) socket.destroySoon();
  else socket.end(bytes.subarray(cut));
  await once(socket, 'close');
  return answer;
}

/** A real listener for CONNECT on a Unix socket, fed with heads. Whatever it answers is HTTP. */
export async function fuzzHeads({ seed, packets, progress }: FuzzRun): Promise<number> {
  const random = createRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), 'ks-'));
  const path = join(folder, 's');
  let served = 0;
  const listener = await startConnectListener({
    ...{ endpoint: { kind: 'unix', path }, where: 'server/fuzz', clock: createRealClock() },
    serve: ({ socket }) => {
      served += 1;
      socket.on('error', () => undefined);
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
      socket.resume();
    },
  });
  let count = 0;
  const visitor = async (): Promise<void> => {
    while (count < packets) {
      progress(count);
      const heads = Array.from({ length: headsOfOne(random, packets - count) }, () => someHead(random));
      count += heads.length;
      const bytes = Buffer.concat(heads);
      const wish = { path, bytes, cut: random.below(bytes.length + 1), hasty: oneIn(random, 20) };
      const answer = await visit(wish);
      if (answer !== '' && answer !== 'HTTP/1.1 ')
        throw new Error(`${bytes.toString()} is answered with ${answer}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, visitor));
  } finally {
    await listener.close();
    await rm(folder, { recursive: true, force: true });
  }
  return packets - served;
}
