import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { each, once } from './waits.js';

/** Reads until the end of the stream, or rejects with its error. */
export async function readAll(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of each(stream, 'bytes, or the end of the stream')) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Sends all, ends when all came back, and returns the digest of it. */
export async function echoed(stream: Duplex, payload: Buffer): Promise<string> {
  const hash = createHash('sha256');
  let received = 0;
  stream.write(payload);
  // Much takes long on a busy machine: it is each part of it that has to come.
  for await (const chunk of each(stream, 'bytes', { seen: () => `${received} of ${payload.length} bytes` })) {
    hash.update(chunk as Buffer);
    received += (chunk as Buffer).length;
    if (received === payload.length) stream.end();
  }
  if (!stream.closed) await once(stream, 'close');
  return hash.digest('hex');
}
