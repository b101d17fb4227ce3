/** Which of a container's two outputs a record came from. */
export type LogStream = 'stdout' | 'stderr';

/** A line of a log, or a part of one. */
export interface LogRecord {
  /** 0, 1, 2 … over the life of the store. */
  readonly index: number;
  /** Wall time in epoch milliseconds. */
  readonly timeMs: number;
  readonly stream: LogStream;
  /** With the newline, unless the line goes on in a later record of the stream. */
  readonly bytes: Uint8Array;
  /** False for the second and further parts of a line. */
  readonly startsLine: boolean;
}

export interface LogStoreOptions {
  /** Wall time in epoch milliseconds. */
  readonly now: () => number;
  /** Oldest records go first beyond this. */
  readonly limitBytes?: number;
}

const newline = 0x0a;

/** The bounded log of one run of a container. Writers never wait; a reader that is too slow loses the oldest records. */
export class LogStore {
  private readonly now: () => number;
  private readonly limitBytes: number;
  private records: LogRecord[] = [];
  private head = 0;
  private sizeBytes = 0;
  private totalBytes = 0;
  private nextIndex = 0;
  private closed = false;
  private readonly openLine: Record<LogStream, boolean> = { stdout: false, stderr: false };
  private readonly listeners = new Set<() => void>();

  constructor(options: LogStoreOptions) {
    this.now = options.now;
    this.limitBytes = options.limitBytes ?? 10 * 1024 * 1024;
  }

  /** Appends output as it came; one record per line. */
  append(stream: LogStream, output: Uint8Array | string): void {
    if (this.closed || output.length === 0) return;
    const bytes = typeof output === 'string' ? Buffer.from(output) : Uint8Array.from(output);
    for (let start = 0; start < bytes.length; ) {
      const at = bytes.indexOf(newline, start);
      const end = at < 0 ? bytes.length : at + 1;
      this.add(stream, bytes.subarray(start, end), at < 0);
      start = end;
    }
    this.wake();
  }

  /** No more records will come: followers end. */
  close(): void {
    this.closed = true;
    this.wake();
  }

  get ended(): boolean {
    return this.closed;
  }

  /** Bytes that are kept. */
  get usedBytes(): number {
    return this.sizeBytes;
  }

  /** Bytes that were ever appended. */
  get writtenBytes(): number {
    return this.totalBytes;
  }

  /** Index of the next record to be appended. */
  get end(): number {
    return this.nextIndex;
  }

  /** Index of the oldest record that is still kept. */
  get start(): number {
    return this.nextIndex - (this.records.length - this.head);
  }

  /** The record at `index`, when it is kept. */
  at(index: number): LogRecord | undefined {
    return this.records[this.head + index - this.start];
  }

  /** Index of the first of the last `lines` lines; a line without its newline at the end counts. */
  tailStart(lines: number): number {
    let left = lines;
    let index = this.end;
    while (index > this.start) {
      const record = this.at(index - 1);
      if (record === undefined) break;
      if (left === 0) break;
      index--;
      if (record.startsLine) left--;
    }
    return index;
  }

  /** Calls `listener` after each append and at the close. Returns how to stop. */
  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private add(stream: LogStream, bytes: Uint8Array, partial: boolean): void {
    this.records.push({
      index: this.nextIndex++,
      timeMs: this.now(),
      stream,
      bytes,
      startsLine: !this.openLine[stream],
    });
    this.openLine[stream] = partial;
    this.sizeBytes += bytes.length;
    this.totalBytes += bytes.length;
    while (this.sizeBytes > this.limitBytes && this.records.length - this.head > 1) this.drop();
  }

  private drop(): void {
    this.sizeBytes -= this.records[this.head]?.bytes.length ?? 0;
    this.head++;
    if (this.head < 4096 || this.head * 2 < this.records.length) return;
    this.records = this.records.slice(this.head);
    this.head = 0;
  }

  private wake(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
