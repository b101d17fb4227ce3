import { TunnelError } from '../../core/errors.js';
import { type LogPiece, newline, recordHeadBytes } from './log-block.js';
import type { LogBlocks, LogPlace } from './log-blocks.js';

export interface LogCursorOptions {
  readonly blocks: LogBlocks;
  readonly place: LogPlace;
  /** Where to stop, in bytes since the log's start; undefined to read on while the log grows. */
  readonly end: number | undefined;
  /** Called when a cursor holds less than before, or is new. */
  readonly moved: (cursor: LogCursor, isOpen: boolean) => void;
}

/** A reader's position in a log. The log keeps what the reader has still to read, until the cursor is closed. */
export class LogCursor {
  private readonly options: LogCursorOptions;
  private place: LogPlace;
  private closed = false;

  constructor(options: LogCursorOptions) {
    this.options = options;
    this.place = options.place;
  }

  /** The oldest block that it holds. */
  get block(): number {
    return this.place.block;
  }

  /** At most `limitBytes`; undefined when there is nothing more now. READER_TOO_SLOW when it was dropped. */
  next(limitBytes = Number.POSITIVE_INFINITY): LogPiece | undefined {
    for (;;) {
      const piece = this.take(limitBytes);
      if (piece !== undefined) return piece;
      const { blocks, end } = this.options;
      const after = blocks.recordAfter(this.place);
      if (after === undefined || (end !== undefined && blocks.bytesBefore(after) >= end)) return undefined;
      const isNewBlock = after.block !== this.place.block;
      this.place = after;
      if (isNewBlock && !this.closed) this.options.moved(this, true);
    }
  }

  /** A second cursor at the same position; it is closed separately. */
  copy(): LogCursor {
    const copy = new LogCursor({ ...this.options, place: this.place });
    this.options.moved(copy, true);
    return copy;
  }

  close(): void {
    this.closed = true;
    this.options.moved(this, false);
  }

  /** The unread part of the record at this position. */
  private take(limitBytes: number): LogPiece | undefined {
    const { blocks, end = Number.POSITIVE_INFINITY } = this.options;
    const { at, into } = this.place;
    const block = blocks.get(this.place.block);
    if (block === undefined) throw tooSlow();
    const text = block.text(at).subarray(0, Math.max(0, end - block.from - at - recordHeadBytes));
    const bytes = text.subarray(into, into + limitBytes);
    if (bytes.length === 0) return undefined;
    this.place = { ...this.place, into: into + bytes.length };
    const head = block.head(at);
    return { ...head, bytes, startsLine: into === 0 ? head.startsLine : text[into - 1] === newline };
  }
}

function tooSlow(): TunnelError {
  return new TunnelError(
    'READER_TOO_SLOW',
    'the reader is too far behind: the container wrote more than the log holds for it',
  );
}
