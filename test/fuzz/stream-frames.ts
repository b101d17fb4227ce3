import type { Random } from '../../src/core/random.js';
import {
  dataHead,
  goAwayFrame,
  headersFrame,
  pingFrame,
  rstStreamFrame,
  synReplyFrame,
  synStreamFrame,
} from '../../src/streams/spdy/frames.js';
import { encodeHeaderBlock } from '../../src/streams/spdy/header-block.js';
import { createHeaderCompressor } from '../../src/streams/spdy/header-compression.js';
import { mutate, randomBytes } from './mutate.js';
import { oneIn, pick } from './packet-source.js';

const streamTypes = ['error', 'data', 'stdin', 'stdout', 'stderr', 'resize', ''];
const ports = ['80', '81', '0', '65536', 'x', ''];

/** Header blocks of one connection, which share a compression state. */
async function headerBlock(
  random: Random,
  compressor: ReturnType<typeof createHeaderCompressor>,
): Promise<Buffer> {
  const headers: [string, string][] = [
    ['streamtype', pick(random, streamTypes)],
    ['port', pick(random, ports)],
    ['requestid', String(random.below(4))],
  ];
  if (oneIn(random, 10)) headers.push(['x', 'y'.repeat(random.below(100_000))]);
  return compressor.run(encodeHeaderBlock(headers));
}

function frame(random: Random, block: () => Promise<Buffer>, nextId: () => number): Promise<Buffer> | Buffer {
  const id = oneIn(random, 8) ? random.below(0x7fff_ffff) : 1 + 2 * random.below(6);
  switch (random.below(9)) {
    case 0:
    case 1:
      return block().then((bytes) =>
        synStreamFrame(oneIn(random, 8) ? id : nextId(), bytes, random.below(2)),
      );
    case 2:
      return block().then((bytes) => (oneIn(random, 2) ? synReplyFrame(id, bytes) : headersFrame(id, bytes)));
    case 3:
      return rstStreamFrame(id, random.below(12));
    case 4:
      return pingFrame(random.below(0xffff_ffff));
    case 5:
      return oneIn(random, 4) ? goAwayFrame(id, random.below(3)) : dataHead(id, 0, true);
    default: {
      const payload = randomBytes(random, random.below(300));
      return Buffer.concat([dataHead(id, payload.length, oneIn(random, 4)), payload]);
    }
  }
}

/** What a SPDY client sends: frames in a likely order, some of them mutated. */
export async function spdyBytes(random: Random, frames: number): Promise<Buffer> {
  const compressor = createHeaderCompressor(1 << 20);
  let id = -1;
  const nextId = (): number => {
    id += 2;
    return id;
  };
  const parts: Buffer[] = [];
  for (let count = 0; count < frames; count += 1) {
    const bytes = await frame(random, () => headerBlock(random, compressor), nextId);
    parts.push(oneIn(random, 12) ? mutate(random, bytes) : bytes);
  }
  compressor.close();
  return Buffer.concat(parts);
}

/** One masked frame of a WebSocket client, with a head that need not be right. */
function webSocketFrame(random: Random, payload: Buffer): Buffer {
  const opcode = oneIn(random, 8) ? random.below(16) : pick(random, [0, 1, 2, 2, 2, 2, 8, 9, 10]);
  const first = (oneIn(random, 8) ? random.below(16) << 4 : 0x80) | opcode;
  const masked = oneIn(random, 30) ? 0 : 0x80;
  const length = oneIn(random, 30) ? random.below(126) : payload.length;
  const size =
    length < 126 ? Buffer.from([masked | length]) : Buffer.from([masked | 126, length >> 8, length & 0xff]);
  const mask = randomBytes(random, 4);
  const body = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([Buffer.from([first]), size, masked === 0 ? Buffer.alloc(0) : mask, body]);
}

/** What a WebSocket client sends: channels 0 to 9 and 255, CLOSE messages, control frames, all sorts of payloads. */
export function channelBytes(random: Random, frames: number): Buffer {
  const parts = Array.from({ length: frames }, () => {
    const channel = oneIn(random, 10) ? 255 : random.below(oneIn(random, 4) ? 256 : 5);
    const payload = Buffer.concat([Buffer.from([channel]), randomBytes(random, random.below(200))]);
    const bytes = webSocketFrame(random, oneIn(random, 10) ? Buffer.from([255, random.below(5)]) : payload);
    return oneIn(random, 15) ? mutate(random, bytes) : bytes;
  });
  return Buffer.concat(parts);
}

/** SPDY bytes in the messages of a WebSocket. */
export async function tunnelledBytes(random: Random, frames: number): Promise<Buffer> {
  const bytes = await spdyBytes(random, frames);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + random.below(2_000);
    parts.push(webSocketFrame(random, bytes.subarray(at, at + length)));
    at += length;
  }
  return Buffer.concat(parts);
}
