import { TunnelError } from '../../core/errors.js';
import { type LogPiece, newline, recordHeadBytes } from './log-block.js';
import type { LogBlocks, LogPlace } from './log-blocks.js';

export interface LogCursorOptions {
  readonly blocks: LogBlocks;
  readonly place: LogPlace;
  /** Where to stop, in bytes since the log's beginning; undefined to go on with what will come. */
  readonly end: number | undefined;
  /** Called when a cursor holds less than before, or is a new one. */
  readonly moved: (cursor: LogCursor, isOpen: boolean) => void;
}

/** A reader's place in a log. What is behind it in the log stays until it has been read, or the cursor is closed. */
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

  /**
   * The next output, at most so many bytes of it; undefined when there is none yet, or none any more. Throws
   * READER_TOO_SLOW when it has gone.
   */
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

  /** A cursor at the same place, to be closed on its own. */
  copy(): LogCursor {
    const copy = new LogCursor({ ...this.options, place: this.place });
    this.options.moved(copy, true);
    return copy;
  }

  close(): void {
    this.closed = true;
    this.options.moved(this, false);
  }

  /** What is left of the record at its place. */
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
    'the container wrote more than is held for a reader that is behind',
  );
}
