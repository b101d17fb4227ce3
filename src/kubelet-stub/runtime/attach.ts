import type { RemoteCommandResult, RemoteCommandStreams } from '../../streams/types.js';
import { type ByteSink, discardSink, StreamSink } from './io/byte-sink.js';
import { terminalOutput } from './io/terminal.js';
import type { LogStore } from './logs/log-store.js';

/** A run of a container, as far as its output goes. */
export interface FollowedRun {
  readonly logs: LogStore;
  /** How long it has been running. */
  readonly ageMs: number;
  /** Whether a client has been attached to it. */
  wasAttached: boolean;
  /** Aborts when the run is over and its log complete. */
  readonly signal: AbortSignal;
}

/**
 * In a real cluster nobody attaches sooner: a kubelet needs so long to see that a container runs, and to say so. Until
 * then most short ones have ended, and kubectl reads their log.
 */
const unseenMs = 2000;

/**
 * Follows the output of a container's main process until it or the client ends: from now on; for
 * the first client from the start, if that was in the last two seconds, so that `kubectl run -i` shows all that a short
 * container says. A client that is too slow
 * loses output, not the container. The end of the process is a success, as with a real runtime: its exit code is in
 * the pod's status.
 */
export async function followOutput(
  run: FollowedRun,
  streams: RemoteCommandStreams,
  tty: boolean,
): Promise<RemoteCommandResult> {
  const signal = AbortSignal.any([run.signal, streams.signal]);
  const out = streams.stdout === undefined ? undefined : new StreamSink(streams.stdout, streams.signal);
  const err = streams.stderr === undefined ? undefined : new StreamSink(streams.stderr, streams.signal);
  const stdout = asTerminal(out ?? discardSink, tty);
  const stderr = tty ? stdout : (err ?? discardSink);
  const { logs } = run;
  const isAwaited = !run.wasAttached && run.ageMs < unseenMs;
  run.wasAttached = true;
  let wake: () => void = () => undefined;
  const notify = (): void => wake();
  const unsubscribe = logs.subscribe(notify);
  signal.addEventListener('abort', notify);
  try {
    for (let index = isAwaited ? logs.start : logs.end; !streams.signal.aborted; ) {
      for (index = Math.max(index, logs.start); index < logs.end; index++) {
        const record = logs.at(index);
        if (record !== undefined) await (record.stream === 'stdout' ? stdout : stderr).write(record.bytes);
      }
      if (logs.ended || signal.aborted) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } catch {
    // The client is gone.
  } finally {
    unsubscribe();
    signal.removeEventListener('abort', notify);
  }
  await Promise.all([out?.flush(), err?.flush()]);
  return { kind: 'exit', code: 0 };
}

function asTerminal(sink: ByteSink, tty: boolean): ByteSink {
  return tty ? terminalOutput(sink) : sink;
}
