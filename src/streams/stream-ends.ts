import { setMaxListeners } from 'node:events';
import type { Writable } from 'node:stream';

/** Calls `end` when the signal aborts, or at once if it has. The returned function removes the listener. */
export function onAbort(signal: AbortSignal | undefined, end: () => void): () => void {
  if (signal === undefined) return () => undefined;
  // One signal of a server serves all its connections, so more than ten listeners are not a leak.
  setMaxListeners(0, signal);
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  return () => signal.removeEventListener('abort', end);
}

/** Resolves when the ended writer has passed on all bytes, or has closed. */
export function whenWritten(writer: Writable): Promise<void> {
  if (writer.writableFinished || writer.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    writer.once('finish', resolve);
    writer.once('close', resolve);
  });
}
