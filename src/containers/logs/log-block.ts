export type LogStream = 'stdout' | 'stderr';

/** Output of one stream that was written at one time: lines, or parts of lines. */
export interface LogPiece {
  /** Wall time in epoch milliseconds. */
  readonly timeMs: number;
  readonly stream: LogStream;
  /** A view into the log; its bytes do not change. */
  readonly bytes: Buffer;
  /** False when it continues a line of its stream. */
  readonly startsLine: boolean;
}

export const newline = 0x0a;
/** The size of a record without its text: time, length, stream, and whether it starts a line. */
export const recordHeadBytes = 12;
const lengthAt = 8;
const flagsAt = 11;
const isStderr = 1;
const continuesLine = 2;

export interface RecordHead {
  readonly timeMs: number;
  readonly stream: LogStream;
  readonly startsLine: boolean;
}

/** Bytes of a log, one record after the other. Written bytes do not change. */
export class LogBlock {
  /** The number of bytes of the log before this block. */
  readonly from: number;
  private readonly bytes: Buffer;
  private used = 0;

  constructor(from: number, capacityBytes: number) {
    this.from = from;
    // Not from the buffer pool, so that dropping a block frees its memory.
    this.bytes = Buffer.allocUnsafeSlow(capacityBytes);
  }

  get usedBytes(): number {
    return this.used;
  }

  get capacityBytes(): number {
    return this.bytes.length;
  }

  /** How long the text of one more record may be; 0 or less when there is no room. */
  get room(): number {
    return this.bytes.length - this.used - recordHeadBytes;
  }

  add({ timeMs, stream, startsLine }: RecordHead, text: Uint8Array): void {
    const at = this.used;
    this.bytes.writeDoubleLE(timeMs, at);
    this.bytes.writeUIntLE(text.length, at + lengthAt, 3);
    this.bytes[at + flagsAt] = (stream === 'stderr' ? isStderr : 0) | (startsLine ? 0 : continuesLine);
    this.bytes.set(text, at + recordHeadBytes);
    this.used += recordHeadBytes + text.length;
  }

  /** Makes the newest record longer; `at` is where it begins. */
  extend(at: number, text: Uint8Array): void {
    this.bytes.set(text, this.used);
    this.used += text.length;
    this.bytes.writeUIntLE(this.used - at - recordHeadBytes, at + lengthAt, 3);
  }

  head(at: number): RecordHead {
    const flags = this.bytes[at + flagsAt] ?? 0;
    return {
      timeMs: this.bytes.readDoubleLE(at),
      stream: (flags & isStderr) === 0 ? 'stdout' : 'stderr',
      startsLine: (flags & continuesLine) === 0,
    };
  }

  /** 0 where there is no record. */
  textBytes(at: number): number {
    return at >= this.used ? 0 : this.bytes.readUIntLE(at + lengthAt, 3);
  }

  text(at: number): Buffer {
    const start = at + recordHeadBytes;
    return this.bytes.subarray(start, start + this.textBytes(at));
  }

  /** Where each record begins, oldest first. */
  records(): number[] {
    const places: number[] = [];
    for (let at = 0; at < this.used; at += recordHeadBytes + this.textBytes(at)) places.push(at);
    return places;
  }
}
