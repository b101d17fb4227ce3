import { rfc3339Nano } from '../../kube/time.js';
import { LineJoiner, type LogLines } from './line-joiner.js';
import { type LogStream, newline } from './log-block.js';
import type { LogCursor } from './log-cursor.js';
import type { LogStore } from './log-store.js';

export interface LogReadOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly sinceTimeMs?: number;
  readonly tailLines?: number;
  /** Limits what is read, not what is kept. */
  readonly limitBytes?: number;
  readonly stream?: LogStream;
}

const batchBytes = 32_768;

/** In order, without a gap; with `follow` until the end. READER_TOO_SLOW when the log cannot hold what is unread. */
export async function* readLog(
  store: LogStore,
  options: LogReadOptions,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { follow, tailLines: lastLines } = options;
  const from = lastLines === undefined ? 'start' : { lastLines };
  const cursor = store.open({ from, until: follow ? 'close' : 'now' });
  let leftBytes = options.limitBytes ?? Number.POSITIVE_INFINITY;
  const lines = new LineJoiner();
  const watch = watchStore(store, signal);
  try {
    while (!signal.aborted) {
      // Read before the loop: what is appended before the close is still read.
      const isLast = !follow || store.ended;
      const { bytes, atEnd } = takeBatch(cursor, lines, options);
      const rest = atEnd && isLast ? Buffer.concat([bytes, ...shown(lines.rest(), options)]) : bytes;
      const part = rest.subarray(0, Math.min(leftBytes, rest.length));
      leftBytes -= part.length;
      if (part.length > 0) yield part;
      if (leftBytes <= 0 || (atEnd && isLast)) return;
      if (atEnd) await watch.change();
    }
  } finally {
    watch.stop();
    cursor.close();
  }
}

function takeBatch(
  cursor: LogCursor,
  lines: LineJoiner,
  options: LogReadOptions,
): { readonly bytes: Buffer; readonly atEnd: boolean } {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  while (sizeBytes < batchBytes) {
    const piece = cursor.next(batchBytes);
    if (piece === undefined) return { bytes: Buffer.concat(parts), atEnd: true };
    for (const part of shown(lines.take(piece), options)) {
      parts.push(part);
      sizeBytes += part.length;
    }
  }
  return { bytes: Buffer.concat(parts), atEnd: false };
}

function* shown(lines: Iterable<LogLines>, options: LogReadOptions): Generator<Uint8Array> {
  const { sinceTimeMs = Number.NEGATIVE_INFINITY, stream: wanted, timestamps } = options;
  for (const { timeMs, stream, parts, startsLine } of lines) {
    if (timeMs < sinceTimeMs || (wanted ?? stream) !== stream) continue;
    if (timestamps) yield* stamped(Buffer.concat(parts), `${rfc3339Nano(timeMs)} `, startsLine);
    else yield* parts;
  }
}

function* stamped(bytes: Buffer, stamp: string, startsLine: boolean): Generator<Uint8Array> {
  const head = Buffer.from(stamp);
  for (let start = 0, end = 0; start < bytes.length; start = end) {
    end = bytes.indexOf(newline, start) + 1 || bytes.length;
    if (start > 0 || startsLine) yield head;
    yield bytes.subarray(start, end);
  }
}

interface Watch {
  /** Resolves after the next change since the last call. */
  change(): Promise<void>;
  stop(): void;
}

function watchStore(store: LogStore, signal: AbortSignal): Watch {
  let changed = false;
  let wake: () => void = () => undefined;
  const notify = (): void => {
    changed = true;
    wake();
  };
  const unsubscribe = store.subscribe(notify);
  signal.addEventListener('abort', notify);
  return {
    async change() {
      if (!changed && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      changed = false;
    },
    stop() {
      unsubscribe();
      signal.removeEventListener('abort', notify);
    },
  };
}
