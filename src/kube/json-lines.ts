import { TunnelError } from '../core/errors.js';

/** etcd takes no object above 1.5 MiB; its JSON is larger. */
const maxLineBytes = 16 * 1024 * 1024;

/** The values of JSON lines, each read when asked for. Throws PROTOCOL_VIOLATION for a bad or too long line. */
export async function* jsonLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<unknown, void, undefined> {
  let parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([...parts, chunk.subarray(start, end)]).toString('utf8');
      [parts, sizeBytes, start] = [[], 0, end + 1];
      if (line.trim() !== '') yield parseLine(line);
    }
    parts.push(chunk.subarray(start));
    sizeBytes += chunk.length - start;
    if (sizeBytes > maxLineBytes) {
      throw new TunnelError('PROTOCOL_VIOLATION', `a line of the watch is longer than ${maxLineBytes} bytes`);
    }
  }
  const rest = Buffer.concat(parts).toString('utf8');
  if (rest.trim() !== '') yield parseLine(rest);
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch (cause) {
    throw new TunnelError('PROTOCOL_VIOLATION', 'a line of the watch is not JSON', { cause });
  }
}
