import type { Readable } from 'node:stream';

/** A source of bytes. Nothing is read before the reader asks for it. */
export interface ByteSource {
  /** The next non-empty chunk; `undefined` at the end, and from then on. */
  next(): Promise<Uint8Array | undefined>;
}

const newline = 0x0a;
const maxLineBytes = 16 * 1024 * 1024;
const maxRestBytes = 512 * 1024 * 1024;

/** Adds putting back to a source, and reads of whole lines and of the whole input. One reader at a time. */
export class Input implements ByteSource {
  private readonly source: ByteSource;
  private readonly returned: Uint8Array[] = [];

  constructor(source: ByteSource) {
    this.source = source;
  }

  async next(): Promise<Uint8Array | undefined> {
    return this.returned.pop() ?? (await this.source.next());
  }

  putBack(chunk: Uint8Array): void {
    if (chunk.length > 0) this.returned.push(chunk);
  }

  /** Up to and including the next newline, or the rest; `undefined` at the end. Rejects beyond 16 MiB. */
  async line(): Promise<Buffer | undefined> {
    const parts = new Parts('line', maxLineBytes);
    for (;;) {
      const chunk = await this.next();
      if (chunk === undefined) break;
      const at = chunk.indexOf(newline);
      parts.add(at < 0 ? chunk : chunk.subarray(0, at + 1));
      if (at < 0) continue;
      this.putBack(chunk.subarray(at + 1));
      break;
    }
    const line = parts.join();
    return line.length === 0 ? undefined : line;
  }

  /** Reads everything up to the end. Rejects when that is more than 512 MiB. */
  async rest(): Promise<Buffer> {
    const parts = new Parts('input', maxRestBytes);
    for (let chunk = await this.next(); chunk !== undefined; chunk = await this.next()) parts.add(chunk);
    return parts.join();
  }
}

class Parts {
  private readonly what: string;
  private readonly limitBytes: number;
  private readonly parts: Uint8Array[] = [];
  private sizeBytes = 0;

  constructor(what: string, limitBytes: number) {
    this.what = what;
    this.limitBytes = limitBytes;
  }

  add(part: Uint8Array): void {
    this.parts.push(part);
    this.sizeBytes += part.length;
    if (this.sizeBytes > this.limitBytes)
      throw new Error(`${this.what} longer than ${this.limitBytes} bytes`);
  }

  join(): Buffer {
    return Buffer.concat(this.parts);
  }
}

/** A source over bytes in memory, cut into chunks of at most `chunkBytes`. */
export function bytesSource(bytes: Uint8Array, chunkBytes = 65_536): ByteSource {
  let offset = 0;
  return {
    async next() {
      if (offset >= bytes.length) return undefined;
      const chunk = bytes.subarray(offset, offset + chunkBytes);
      offset += chunk.length;
      return chunk;
    },
  };
}

export const emptySource: ByteSource = { next: async () => undefined };

/** A source over a Node stream. It ends when the stream is destroyed or `signal` aborts. */
export function streamSource(stream: Readable, signal: AbortSignal): ByteSource {
  stream.on('error', () => undefined);
  return {
    async next() {
      for (;;) {
        const chunk: unknown = signal.aborted ? null : stream.read();
        if (chunk !== null) {
          const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Uint8Array);
          if (bytes.length > 0) return bytes;
          continue;
        }
        if (signal.aborted || stream.readableEnded || stream.destroyed) return undefined;
        await readable(stream, signal);
      }
    },
  };
}

const wakeEvents = ['readable', 'end', 'close', 'error'] as const;

function readable(stream: Readable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      for (const name of wakeEvents) stream.off(name, wake);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    for (const name of wakeEvents) stream.on(name, wake);
    signal.addEventListener('abort', wake, { once: true });
  });
}
