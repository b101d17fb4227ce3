import { type LogPiece, type LogStream, newline } from './log-block.js';

/** A container runtime splits longer lines. */
const maxLineBytes = 16 * 1024;

/** Whole lines, or one part of a long line. */
export type LogLines = Omit<LogPiece, 'bytes'> & { readonly parts: readonly Buffer[] };

interface OpenLine {
  parts: Buffer[];
  sizeBytes: number;
  startsLine: boolean;
  timeMs: number;
}

/** As a container runtime: output of one stream never cuts a line of the other. A line has the time of its end. */
export class LineJoiner {
  private readonly open = new Map<LogStream, OpenLine>();

  /** The lines that are complete after this piece. */
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

  /** The lines without a line end, after the last piece. */
  *rest(): Generator<LogLines> {
    for (const [stream, line] of this.open) if (line.sizeBytes > 0) yield { stream, ...line };
    this.open.clear();
  }
}
