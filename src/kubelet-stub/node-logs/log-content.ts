import type { LogRecord, LogStore } from '../runtime/logs/log-store.js';
import { rfc3339Nano } from '../runtime/logs/log-time.js';
import type { ByteRange } from './byte-ranges.js';

/** Bytes in front of a line: its time, its stream, and whether it is full (F) or partial (P). */
const headBytes = rfc3339Nano(0).length + ' stdout F '.length;
const batchBytes = 32_768;

/**
 * A log in the form that container runtimes write, as it is at one moment: it holds the records, so that its size stays
 * what it is while the log goes on and loses its oldest lines.
 */
export class LogContent {
  readonly sizeBytes: number;
  /** When the last line was written, epoch milliseconds; undefined for an empty log. */
  readonly modifiedMs: number | undefined;
  private readonly records: readonly LogRecord[];

  constructor(store: LogStore) {
    const records: LogRecord[] = [];
    for (let index = store.start; index < store.end; index++) {
      const record = store.at(index);
      if (record !== undefined) records.push(record);
    }
    this.records = records;
    this.sizeBytes = records.reduce((total, record) => total + lineBytes(record), 0);
    this.modifiedMs = records.at(-1)?.timeMs;
  }

  /** The bytes of a part, in pieces of about 32 KiB. */
  *slice({ start, length }: ByteRange): Generator<Buffer> {
    let [skip, left] = [start, length];
    let batch: Buffer[] = [];
    let gathered = 0;
    for (const record of this.records) {
      const size = lineBytes(record);
      if (skip >= size) {
        skip -= size;
        continue;
      }
      const part = line(record).subarray(skip, skip + left);
      skip = 0;
      left -= part.length;
      batch.push(part);
      gathered += part.length;
      if (left > 0 && gathered < batchBytes) continue;
      yield Buffer.concat(batch);
      [batch, gathered] = [[], 0];
      if (left <= 0) return;
    }
    if (gathered > 0) yield Buffer.concat(batch);
  }

  /** As Go tells it from the first bytes: text, or anything else. */
  contentType(): string {
    const [first = Buffer.alloc(0)] = this.slice({ start: 0, length: 512 });
    const isBinary = first.some((byte) => byte < 0x20 && ![0x09, 0x0a, 0x0c, 0x0d, 0x1b].includes(byte));
    return isBinary ? 'application/octet-stream' : 'text/plain; charset=utf-8';
  }
}

function isFull({ bytes }: LogRecord): boolean {
  return bytes.at(-1) === 0x0a;
}

function lineBytes(record: LogRecord): number {
  return headBytes + record.bytes.length + (isFull(record) ? 0 : 1);
}

function line(record: LogRecord): Buffer {
  const head = `${rfc3339Nano(record.timeMs)} ${record.stream} ${isFull(record) ? 'F' : 'P'} `;
  return Buffer.concat([Buffer.from(head), record.bytes, Buffer.from(isFull(record) ? '' : '\n')]);
}
