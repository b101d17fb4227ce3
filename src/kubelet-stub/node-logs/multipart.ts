import { randomBytes } from 'node:crypto';
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ByteRange, contentRange } from './byte-ranges.js';
import type { LogContent } from './log-content.js';

/** Several parts of a file as `multipart/byteranges`. */
export async function sendMultipart(
  response: ServerResponse,
  content: LogContent,
  { ranges, headers }: { readonly ranges: readonly ByteRange[]; readonly headers: OutgoingHttpHeaders },
): Promise<void> {
  const boundary = randomBytes(30).toString('hex');
  const heads = ranges.map((range, index) => {
    const fields = `Content-Range: ${contentRange(range, content.sizeBytes)}\r\nContent-Type: ${content.contentType()}`;
    return `${index === 0 ? '' : '\r\n'}--${boundary}\r\n${fields}\r\n\r\n`;
  });
  const end = `\r\n--${boundary}--\r\n`;
  const framing = heads.reduce((total, head) => total + head.length, end.length);
  response.writeHead(206, {
    'Content-Type': `multipart/byteranges; boundary=${boundary}`,
    'Content-Length': ranges.reduce((total, { length }) => total + length, framing),
    ...headers,
  });
  function* parts(): Generator<Buffer> {
    for (const [index, range] of ranges.entries()) {
      yield Buffer.from(heads[index] ?? '');
      yield* content.slice(range);
    }
    yield Buffer.from(end);
  }
  await pipeline(Readable.from(parts()), response);
}
