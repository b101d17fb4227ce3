import { BrokenPipe, type ByteSink } from './byte-sink.js';
import type { ByteSource } from './byte-source.js';

export interface Pipe {
  readonly source: ByteSource;
  readonly sink: ByteSink;
  /** The writer has finished: the reader gets what is still inside, then the end. */
  end(): void;
  /** The reader has finished: writes reject with a BrokenPipe. */
  close(): void;
}

/** Joins two commands. It holds one chunk: a writer waits until the reader has taken the previous one. */
export function createPipe(): Pipe {
  let slot: Uint8Array | undefined;
  let ended = false;
  let closed = false;
  let wakes: (() => void)[] = [];
  const wakeAll = (): void => {
    const waiting = wakes;
    wakes = [];
    for (const wake of waiting) wake();
  };
  const change = (): Promise<void> => new Promise((resolve) => wakes.push(resolve));
  return {
    source: {
      async next() {
        while (slot === undefined && !ended && !closed) await change();
        const chunk = slot;
        slot = undefined;
        wakeAll();
        return chunk;
      },
    },
    sink: {
      async write(chunk) {
        while (slot !== undefined && !closed) await change();
        if (closed) throw new BrokenPipe();
        slot = chunk;
        wakeAll();
      },
    },
    end() {
      ended = true;
      wakeAll();
    },
    close() {
      closed = true;
      slot = undefined;
      wakeAll();
    },
  };
}
