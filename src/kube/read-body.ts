import type { IncomingMessage } from 'node:http';
import { TunnelError } from '../core/errors.js';

/** Room for a page of 500 large objects. */
const maxBodyBytes = 256 * 1024 * 1024;

/** Reads an answer to its end. Rejects with PROTOCOL_VIOLATION when the answer is too long. */
export async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes > maxBodyBytes) {
      throw new TunnelError('PROTOCOL_VIOLATION', `the answer is longer than ${maxBodyBytes} bytes`);
    }
  }
  return Buffer.concat(chunks).toString('utf8');
}
