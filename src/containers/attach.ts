import { TunnelError } from '../core/errors.js';
import type { RemoteCommandResult, RemoteCommandStreams } from '../streams/types.js';
import { discardSink, StreamSink } from './io/byte-sink.js';
import { terminalOutput } from './io/terminal.js';
import type { LogStore } from './logs/log-store.js';

/** One run of a container, as far as its output matters. */
export interface FollowedRun {
  readonly logs: LogStore;
  readonly ageMs: number;
  wasAttached: boolean;
  /** Aborts when the run has ended and its log is complete. */
  readonly signal: AbortSignal;
}

/** No client attaches sooner in a real cluster: the kubelet takes that long to see and report a running container. */
const unseenMs = 2000;

/**
 * Follows the output of a container's main process until the process or the client ends. It starts with the next
 * output; for the first client it starts at the beginning, if the container started in the last two seconds, so that
 * `kubectl run -i` shows everything a short container prints. A client that is far too slow gets an error; the
 * container never waits for it. The end of the process is a success, as with a real runtime: its exit code is in the
 * pod's status.
 */
export async function followOutput(
  run: FollowedRun,
  streams: RemoteCommandStreams,
  tty: boolean,
): Promise<RemoteCommandResult> {
  const signal = AbortSignal.any([run.signal, streams.signal]);
  const out = streams.stdout === undefined ? undefined : new StreamSink(streams.stdout, streams.signal);
  const err = streams.stderr === undefined ? undefined : new StreamSink(streams.stderr, streams.signal);
  const sink = out ?? discardSink;
  const stdout = tty ? terminalOutput(sink) : sink;
  const stderr = tty ? stdout : (err ?? discardSink);
  const { logs } = run;
  const isAwaited = !run.wasAttached && run.ageMs < unseenMs;
  run.wasAttached = true;
  let wake: () => void = () => undefined;
  const notify = (): void => wake();
  const unsubscribe = logs.subscribe(notify);
  signal.addEventListener('abort', notify);
  const cursor = logs.open({ from: isAwaited ? 'start' : 'end', until: 'close' });
  try {
    while (!streams.signal.aborted) {
      for (let piece = cursor.next(); piece !== undefined; piece = cursor.next()) {
        await (piece.stream === 'stdout' ? stdout : stderr).write(piece.bytes);
      }
      if (logs.ended || signal.aborted) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } catch (caught) {
    // Otherwise the client has left.
    if (caught instanceof TunnelError) return { kind: 'error', message: caught.message };
  } finally {
    cursor.close();
    unsubscribe();
    signal.removeEventListener('abort', notify);
  }
  await Promise.all([out?.flush(), err?.flush()]);
  return { kind: 'exit', code: 0 };
}
