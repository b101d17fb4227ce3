import { type LogPiece, newline } from '../../containers/logs/log-block.js';
import type { LogCursor } from '../../containers/logs/log-cursor.js';
import type { LogStore } from '../../containers/logs/log-store.js';
import { rfc3339Nano } from '../../kube/time.js';
import type { ByteRange } from './byte-ranges.js';

/** Bytes before the text of a line: its time, its stream, and whether it is full (F) or partial (P). */
const headBytes = rfc3339Nano(0).length + ' stdout F '.length;
const batchBytes = 32_768;

/** A log as container runtimes write it, at one moment. It holds its bytes until closed, so its size is fixed. */
export class LogContent {
  readonly sizeBytes: number;
  /** When the last line was written, epoch milliseconds; undefined for an empty log. */
  readonly modifiedMs: number | undefined;
  private readonly held: LogCursor;

  constructor(store: LogStore) {
    this.held = store.open({ from: 'start', until: 'now' });
    let sizeBytes = 0;
    let modifiedMs: number | undefined;
    for (const piece of this.pieces()) {
      sizeBytes += shownBytes(piece);
      modifiedMs = piece.timeMs;
    }
    this.sizeBytes = sizeBytes;
    this.modifiedMs = modifiedMs;
  }

  /** The bytes of a part, in chunks of about 32 KiB. Throws READER_TOO_SLOW. */
  *slice({ start, length }: ByteRange): Generator<Buffer> {
    let [skip, left] = [start, length];
    let batch: Buffer[] = [];
    let gathered = 0;
    for (const piece of this.pieces()) {
      const size = shownBytes(piece);
      if (skip >= size) {
        skip -= size;
        continue;
      }
      const part = shown(piece, size).subarray(skip, skip + left);
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

  /** As Go decides it from the first bytes: text, or anything else. */
  contentType(): string {
    const [first = Buffer.alloc(0)] = this.slice({ start: 0, length: 512 });
    const isBinary = first.some((byte) => byte < 0x20 && ![0x09, 0x0a, 0x0c, 0x0d, 0x1b].includes(byte));
    return isBinary ? 'application/octet-stream' : 'text/plain; charset=utf-8';
  }

  close(): void {
    this.held.close();
  }

  private *pieces(): Generator<LogPiece> {
    const cursor = this.held.copy();
    try {
      for (let piece = cursor.next(); piece !== undefined; piece = cursor.next()) yield piece;
    } finally {
      cursor.close();
    }
  }
}

function* linesOf({ bytes }: LogPiece): Generator<Buffer> {
  for (let start = 0, end = 0; start < bytes.length; start = end) {
    end = bytes.indexOf(newline, start) + 1 || bytes.length;
    yield bytes.subarray(start, end);
  }
}

const isFull = (bytes: Buffer): boolean => bytes.at(-1) === newline;

function shownBytes(piece: LogPiece): number {
  let lines = isFull(piece.bytes) ? 0 : 1;
  for (let at = piece.bytes.indexOf(newline); at >= 0; at = piece.bytes.indexOf(newline, at + 1)) lines++;
  return lines * headBytes + piece.bytes.length + (isFull(piece.bytes) ? 0 : 1);
}

function shown(piece: LogPiece, sizeBytes: number): Buffer {
  const head = `${rfc3339Nano(piece.timeMs)} ${piece.stream}`;
  const [full, partial] = [Buffer.from(`${head} F `), Buffer.from(`${head} P `)];
  const parts: Buffer[] = [];
  for (const line of linesOf(piece)) parts.push(isFull(line) ? full : partial, line);
  if (!isFull(piece.bytes)) parts.push(Buffer.of(newline));
  return Buffer.concat(parts, sizeBytes);
}
