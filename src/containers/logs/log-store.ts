import { type LogStream, newline } from './log-block.js';
import { LogBlocks, type LogPlace } from './log-blocks.js';
import { LogCursor } from './log-cursor.js';

export interface LogStoreOptions {
  /** Wall time in epoch milliseconds. */
  readonly now: () => number;
  /** Beyond this the oldest output is dropped. Default 10 MiB. Each piece counts 12 bytes more than it has. */
  readonly limitBytes?: number;
}

export interface LogStretch {
  /** The oldest kept byte, the end, or the start of the last so many lines. */
  readonly from: 'start' | 'end' | { readonly lastLines: number };
  /** Only what exists now, or also what will come. */
  readonly until: 'now' | 'close';
}

/** A node keeps five log files, so slow readers may hold as much. */
const heldShare = 5;

/**
 * The limited log of one run of a container, as bytes in blocks. Writers never wait. A reader never has a gap: the log
 * holds what the reader has still to read, up to five times the limit for all readers together. A reader that falls
 * further behind gets an error.
 */
export class LogStore {
  private readonly now: () => number;
  private readonly limitBytes: number;
  private readonly blocks = new LogBlocks();
  private readonly cursors = new Set<LogCursor>();
  private start: LogPlace = { block: 0, at: 0, into: 0 };
  private textBytes = 0;
  private totalBytes = 0;
  private closed = false;
  private readonly openLine: Record<LogStream, boolean> = { stdout: false, stderr: false };
  private readonly listeners = new Set<() => void>();

  constructor(options: LogStoreOptions) {
    this.now = options.now;
    this.limitBytes = options.limitBytes ?? 10 * 1024 * 1024;
  }

  append(stream: LogStream, output: Uint8Array | string): void {
    if (this.closed || output.length === 0) return;
    const bytes = typeof output === 'string' ? Buffer.from(output) : output;
    this.blocks.append({ timeMs: this.now(), stream, startsLine: !this.openLine[stream] }, bytes);
    this.openLine[stream] = bytes.at(-1) !== newline;
    this.textBytes += bytes.length;
    this.totalBytes += bytes.length;
    this.trim();
    this.wake();
  }

  /** No more output will come: followers end. */
  close(): void {
    this.closed = true;
    this.wake();
  }

  get ended(): boolean {
    return this.closed;
  }

  /** Bytes of output that are kept. */
  get usedBytes(): number {
    return this.textBytes;
  }

  /** Bytes that were ever appended. */
  get writtenBytes(): number {
    return this.totalBytes;
  }

  /** Memory that the log takes now, what is held for readers included. */
  get heldBytes(): number {
    return this.blocks.capacityBytes;
  }

  /** Starts to read. What is read stays until the cursor is closed. */
  open({ from, until }: LogStretch): LogCursor {
    const cursor = new LogCursor({
      blocks: this.blocks,
      place: this.placeOf(from),
      end: until === 'now' ? this.blocks.endBytes : undefined,
      moved: (one, isOpen) => {
        if (isOpen) this.cursors.add(one);
        else this.cursors.delete(one);
        this.release();
      },
    });
    this.cursors.add(cursor);
    return cursor;
  }

  /** Calls `listener` after each append and at the close. Call the returned function to stop. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private placeOf(from: LogStretch['from']): LogPlace {
    if (from === 'start') return this.start;
    if (from === 'end') return this.blocks.endPlace;
    return this.blocks.lastLines(from.lastLines, this.start);
  }

  private trim(): void {
    const excess = this.blocks.endBytes - this.blocks.bytesBefore(this.start) - this.limitBytes;
    if (excess <= 0) return;
    const { place, skippedTextBytes } = this.blocks.skip(this.start, excess);
    this.start = place;
    this.textBytes -= skippedTextBytes;
    this.release();
  }

  /** Drops the blocks that are neither kept nor held for readers; above the limit also those that are held. */
  private release(): void {
    let oldest = this.start.block;
    for (const { block } of this.cursors) oldest = Math.min(oldest, block);
    this.blocks.dropBefore(oldest);
    this.blocks.dropBeyond(this.limitBytes * heldShare, this.start.block);
  }

  private wake(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
