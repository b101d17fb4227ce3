/** Which of a container's two outputs a piece of a log came from. */
export type LogStream = 'stdout' | 'stderr';

/** Some output of one stream that was written at one time: lines, or parts of lines. */
export interface LogPiece {
  /** Wall time in epoch milliseconds. */
  readonly timeMs: number;
  readonly stream: LogStream;
  /** A view into the log, which does not change. */
  readonly bytes: Buffer;
  /** False when it goes on with a line of its stream that an earlier piece began. */
  readonly startsLine: boolean;
}

export const newline = 0x0a;

/** What a record takes beside its text: time, length, stream, and whether it starts a line. */
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

/** Bytes of a log, one record behind the other. What is written stays as it is. */
export class LogBlock {
  /** How many bytes of the log came before this block. */
  readonly from: number;
  private readonly bytes: Buffer;
  private used = 0;

  constructor(from: number, capacityBytes: number) {
    this.from = from;
    // Outside of the pool, so that a block that is dropped frees its memory.
    this.bytes = Buffer.allocUnsafeSlow(capacityBytes);
  }

  get usedBytes(): number {
    return this.used;
  }

  get capacityBytes(): number {
    return this.bytes.length;
  }

  /** How long a text a further record may have; 0 or less when there is no room for one. */
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

  /** Makes the newest record longer. `at` is where it begins. */
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

  /** 0 where no record is. */
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
