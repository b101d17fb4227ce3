import { Writable } from 'node:stream';

const maxBytes = 64 * 1024;

/** Keeps the first 64 KiB of what is written to it, and takes the rest without keeping it. */
export class BoundedOutput extends Writable {
  private readonly chunks: Buffer[] = [];
  private bytes = 0;

  /** There was more than it keeps. */
  isFull = false;

  get room(): number {
    return maxBytes - this.bytes;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const kept = chunk.subarray(0, this.room);
    if (kept.length < chunk.length) this.isFull = true;
    this.bytes += kept.length;
    if (kept.length > 0) this.chunks.push(kept);
    done();
  }

  text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}
