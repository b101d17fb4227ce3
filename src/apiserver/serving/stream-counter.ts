export type StreamKind = 'watch' | 'log' | 'exec' | 'attach' | 'portforward' | 'proxy';

export type StreamCounts = Readonly<Record<StreamKind, number>>;

export interface StreamCounter {
  /** Counts one more; call the returned function at its end. */
  open(kind: StreamKind): () => void;
  counts(): StreamCounts;
}

export function createStreamCounter(): StreamCounter {
  const counts = { watch: 0, log: 0, exec: 0, attach: 0, portforward: 0, proxy: 0 };
  return {
    open(kind) {
      counts[kind]++;
      let open = true;
      return () => {
        if (open) counts[kind]--;
        open = false;
      };
    },
    counts: () => ({ ...counts }),
  };
}
