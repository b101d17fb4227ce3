import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import { spdyDictionary } from './dictionary.js';
import { connectionClosed } from './errors.js';

/**
 * The zlib context of one direction of a connection. Blocks share their history, so they must be run in order, one
 * `run` at a time. Each ends with a sync flush, so its output is complete when `run` resolves.
 */
export class HeaderContext {
  private readonly zlib: Deflate | Inflate;
  private readonly maxBytes: number;
  private parts: Buffer[] = [];
  private size = 0;
  private failure: Error | undefined;
  private abandon: ((error: Error) => void) | undefined;

  constructor(zlib: Deflate | Inflate, maxBytes: number) {
    this.zlib = zlib;
    this.maxBytes = maxBytes;
    // zlib does not call back for the write that broke it, so this event ends that run.
    zlib.on('error', (error) => this.fail(error));
    zlib.on('close', () => this.fail(connectionClosed()));
    zlib.on('data', (part: Buffer) => this.collect(part));
  }

  /** Rejects when the input is not zlib data or its output is over the limit. The context cannot be used after that. */
  run(input: Buffer): Promise<Buffer> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.abandon = reject;
      this.zlib.write(input, (error) => {
        const failure = this.failure ?? error;
        if (failure) reject(failure);
        else resolve(this.collected());
      });
    });
  }

  close(): void {
    this.zlib.destroy();
  }

  private collect(part: Buffer): void {
    this.size += part.length;
    if (this.size <= this.maxBytes) this.parts.push(part);
    else this.overflow();
  }

  private overflow(): void {
    const error = new Error(`SPDY header block is over the limit of ${this.maxBytes} bytes`);
    this.fail(error);
    this.zlib.destroy(error);
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.abandon?.(this.failure);
  }

  private collected(): Buffer {
    // Output that did not fit is still inside the stream. Reading emits it as `data`.
    while (this.zlib.read() !== null);
    const block = Buffer.concat(this.parts, this.size);
    this.parts = [];
    this.size = 0;
    return block;
  }
}

/** Compresses what we send. Level 9 gives the `78 f9` that other SPDY/3 ends begin with. */
export function createHeaderCompressor(maxBytes: number): HeaderContext {
  const options = { dictionary: spdyDictionary, flush: constants.Z_SYNC_FLUSH, level: 9, memLevel: 5 };
  return new HeaderContext(createDeflate(options), maxBytes);
}

export function createHeaderExpander(maxBytes: number): HeaderContext {
  const options = { dictionary: spdyDictionary, flush: constants.Z_SYNC_FLUSH };
  return new HeaderContext(createInflate(options), maxBytes);
}
