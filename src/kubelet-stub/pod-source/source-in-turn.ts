import type { PodSource } from './pod-source.js';

/**
 * A source that starts when it is its turn, so that of many kubelets a few join at a time. `queue` calls its function once,
 * with the way to the API; the turn is over when the promise resolves.
 */
export function sourceInTurn<Api>(
  queue: (turn: (api: Api) => Promise<void>) => void,
  begin: (api: Api) => PodSource,
): PodSource {
  const closing = new AbortController();
  const closed = new Promise<void>((resolve) => closing.signal.addEventListener('abort', () => resolve()));
  let source: PodSource | undefined;
  const ready = new Promise<void>((resolve) => {
    queue(async (api) => {
      if (closing.signal.aborted) return;
      source = begin(api);
      void source.ready.then(resolve);
      // A source that is closed before it is ready never gets ready.
      await Promise.race([source.ready, closed]);
    });
  });
  return {
    ready,
    close: async () => {
      closing.abort();
      await source?.close();
    },
  };
}
