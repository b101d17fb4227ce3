import { type LogPiece, type LogStream, newline } from './log-block.js';

/** A container runtime writes a longer line in parts. */
const maxLineBytes = 16 * 1024;

/** Whole lines, or a part of a long one. */
export type LogLines = Omit<LogPiece, 'bytes'> & { readonly parts: readonly Buffer[] };

interface OpenLine {
  parts: Buffer[];
  sizeBytes: number;
  startsLine: boolean;
  timeMs: number;
}

/**
 * Puts lines together that came in pieces, as a container runtime does: a line of one output is never cut by the other
 * output. A line has the time of its end.
 */
export class LineJoiner {
  private readonly open = new Map<LogStream, OpenLine>();

  /** What can be shown after this piece. */
  *take(piece: LogPiece): Generator<LogLines> {
    const { stream, timeMs, bytes } = piece;
    const end = bytes.lastIndexOf(newline) + 1;
    if (end > 0) {
      const before = this.open.get(stream);
      this.open.delete(stream);
      const { parts = [], startsLine = piece.startsLine } = before ?? {};
      yield { stream, timeMs, startsLine, parts: [...parts, bytes.subarray(0, end)] };
    }
    if (end === bytes.length) return;
    const line = this.open.get(stream) ?? {
      parts: [],
      sizeBytes: 0,
      timeMs,
      startsLine: end > 0 || piece.startsLine,
    };
    line.parts.push(bytes.subarray(end));
    line.sizeBytes += bytes.length - end;
    line.timeMs = timeMs;
    this.open.set(stream, line);
    if (line.sizeBytes <= maxLineBytes) return;
    yield { stream, ...line };
    this.open.set(stream, { parts: [], sizeBytes: 0, startsLine: false, timeMs });
  }

  /** The lines that have no end, when nothing more comes. */
  *rest(): Generator<LogLines> {
    for (const [stream, line] of this.open) if (line.sizeBytes > 0) yield { stream, ...line };
    this.open.clear();
  }
}
