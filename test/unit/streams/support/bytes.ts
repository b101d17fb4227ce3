import { createHash } from 'node:crypto';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { runMs, soon } from '../../../support/waits.js';

export interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/** Reads a stream to its end and leaves the other direction of a duplex open, unlike `for await`. */
export function readAll(stream: Readable): Promise<Buffer> {
  const parts: Buffer[] = [];
  return consume(stream, (part) => parts.push(part)).then(() => Buffer.concat(parts));
}

/** Reads a stream to its end, keeping nothing. */
export async function digestOf(stream: Readable): Promise<Digest> {
  const hash = createHash('sha256');
  let bytes = 0;
  await consume(stream, (part) => {
    hash.update(part);
    bytes += part.length;
  });
  return { bytes, sha256: hash.digest('hex') };
}

function consume(stream: Readable, take: (part: Buffer) => void): Promise<void> {
  return soon(
    (resolve, reject) => {
      stream.on('data', take);
      stream.once('end', resolve);
      stream.once('error', reject);
      stream.once('close', () => reject(new Error('closed before its end')));
    },
    'end of the stream',
    { withinMs: runMs },
  );
}

/** `size` bytes that differ along the way, in chunks of odd lengths; the same for the same seed. */
function* pattern(size: number, seed: number): Generator<Buffer> {
  let sent = 0;
  for (let index = 0; sent < size; index += 1) {
    const length = Math.min(1 + ((index * 7919 + seed) % 70_001), size - sent);
    const chunk = Buffer.alloc(length, (index * 31 + seed) & 0xff);
    chunk.writeUInt8(index & 0xff, 0);
    sent += length;
    yield chunk;
  }
}

export function patternDigest(size: number, seed: number): Promise<Digest> {
  return digestOf(Readable.from(pattern(size, seed)));
}

/** Writes the pattern, waiting when told to, and ends the writer unless `end` is false. */
export async function writePattern(
  writer: Writable,
  { size, seed, end = true }: { size: number; seed: number; end?: boolean },
): Promise<void> {
  await pipeline(Readable.from(pattern(size, seed)), writer, { end });
}
