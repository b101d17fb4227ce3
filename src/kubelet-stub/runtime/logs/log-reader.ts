import type { LogRecord, LogStore, LogStream } from './log-store.js';
import { rfc3339Nano } from './log-time.js';

export interface LogReadOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly sinceTimeMs?: number;
  readonly tailLines?: number;
  /** Most bytes of what is read, not of what is kept. */
  readonly limitBytes?: number;
  /** Reads one output alone. */
  readonly stream?: LogStream;
}

const batchBytes = 32_768;

/**
 * The bytes of a log in order. A reader holds a place in the store, not a copy: it may be as slow as it likes, and
 * goes on with the oldest kept record when the store has moved past its place.
 */
export async function* readLog(
  store: LogStore,
  options: LogReadOptions,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  let index = options.tailLines === undefined ? store.start : store.tailStart(options.tailLines);
  let leftBytes = options.limitBytes ?? Number.POSITIVE_INFINITY;
  const watch = watchStore(store, signal);
  try {
    for (;;) {
      const batch = takeBatch(store, index, options);
      index = batch.nextIndex;
      const bytes = batch.bytes.subarray(0, Math.min(leftBytes, batch.bytes.length));
      leftBytes -= bytes.length;
      if (bytes.length > 0) yield bytes;
      if (leftBytes <= 0 || signal.aborted) return;
      if (index < store.end) continue;
      if (!options.follow || store.ended) return;
      await watch.change(() => index < store.end || store.ended || signal.aborted);
    }
  } finally {
    watch.stop();
  }
}

function takeBatch(
  store: LogStore,
  from: number,
  options: LogReadOptions,
): { bytes: Buffer; nextIndex: number } {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  let index = Math.max(from, store.start);
  while (index < store.end && sizeBytes < batchBytes) {
    const record = store.at(index++);
    if (record === undefined || !isWanted(record, options)) continue;
    for (const part of render(record, options.timestamps)) {
      parts.push(part);
      sizeBytes += part.length;
    }
  }
  return { bytes: Buffer.concat(parts), nextIndex: index };
}

function isWanted({ timeMs, stream }: LogRecord, { sinceTimeMs, stream: wanted }: LogReadOptions): boolean {
  return timeMs >= (sinceTimeMs ?? Number.NEGATIVE_INFINITY) && (wanted ?? stream) === stream;
}

function render(record: LogRecord, timestamps: boolean): Uint8Array[] {
  if (!timestamps || !record.startsLine) return [record.bytes];
  return [Buffer.from(`${rfc3339Nano(record.timeMs)} `), record.bytes];
}

interface Watch {
  /** Resolves once `ready` holds. */
  change(ready: () => boolean): Promise<void>;
  stop(): void;
}

function watchStore(store: LogStore, signal: AbortSignal): Watch {
  let wake: (() => void) | undefined;
  const notify = (): void => wake?.();
  const unsubscribe = store.subscribe(notify);
  signal.addEventListener('abort', notify);
  return {
    async change(ready) {
      while (!ready()) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    stop() {
      unsubscribe();
      signal.removeEventListener('abort', notify);
    },
  };
}
