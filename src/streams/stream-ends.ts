import { setMaxListeners } from 'node:events';
import type { Writable } from 'node:stream';

/** Calls `end` when the signal aborts, now if it has; the result takes the listener off again. */
export function onAbort(signal: AbortSignal | undefined, end: () => void): () => void {
  if (signal === undefined) return () => undefined;
  // One signal of a server serves all its connections; more than ten of them are no leak.
  setMaxListeners(0, signal);
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  return () => signal.removeEventListener('abort', end);
}

/** Resolves when the writer, which was ended, has handed on all it had, or is gone. */
export function written(writer: Writable): Promise<void> {
  if (writer.writableFinished || writer.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    writer.once('finish', resolve);
    writer.once('close', resolve);
  });
}
