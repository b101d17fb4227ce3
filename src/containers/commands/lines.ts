import type { ByteSource } from '../io/byte-source.js';
import { maxKeptBytes, SandboxLimit } from './limit.js';

/** Batches without line ends; a last line without one counts. A SandboxLimit for a line of more than 64 MiB. */
export async function* lineBatches(source: ByteSource, end: number): AsyncGenerator<Buffer[]> {
  let parts: Uint8Array[] = [];
  let keptBytes = 0;
  for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
    const lines: Buffer[] = [];
    let start = 0;
    for (let at = chunk.indexOf(end); at >= 0; at = chunk.indexOf(end, start)) {
      const part = Buffer.from(chunk.buffer, chunk.byteOffset + start, at - start);
      lines.push(parts.length === 0 ? part : Buffer.concat([...parts, part]));
      parts = [];
      keptBytes = 0;
      start = at + 1;
    }
    if (start < chunk.length) parts.push(chunk.subarray(start));
    keptBytes += chunk.length - start;
    if (keptBytes > maxKeptBytes) throw new SandboxLimit(`a line of more than ${maxKeptBytes} bytes`);
    if (lines.length > 0) yield lines;
  }
  if (keptBytes > 0) yield [Buffer.concat(parts)];
}

/** The same lines, each with its line end. */
export function joinLines(lines: readonly Buffer[], end: number): Buffer {
  const tail = Buffer.of(end);
  return Buffer.concat(lines.flatMap((line) => [line, tail]));
}

export const newline = 0x0a;
