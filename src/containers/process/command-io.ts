import type { Readable, Writable } from 'node:stream';
import type { RemoteCommandStreams } from '../../streams/types.js';
import { StreamSink } from '../io/byte-sink.js';
import type { Child } from './child.js';

/**
 * Feeds a client's input to a process, at the pace of the slower. What the process no longer takes is dropped. A client
 * that is gone is the end of its input, once the process has all that came before.
 */
export function feedInput(
  input: Readable | undefined,
  child: Pick<Child, 'stdin' | 'isTerminal'>,
  keepOpen = false,
): void {
  if (input === undefined) return;
  const { stdin } = child;
  if (stdin === undefined || stdin.destroyed || stdin.writableEnded) {
    input.resume();
    return;
  }
  // A terminal has no end of input, only a key for it.
  const end = !keepOpen && !child.isTerminal;
  if (input.destroyed) {
    if (end) stdin.end();
    return;
  }
  // Unread, the rest would stop the client's whole connection.
  const drop = (): void => void input.unpipe(stdin).resume();
  stdin.once('error', drop);
  stdin.once('close', drop);
  input.once('close', () => {
    stdin.off('error', drop);
    stdin.off('close', drop);
    input.unpipe(stdin);
    if (end) stdin.end();
  });
  input.pipe(stdin, { end });
}

/** Applies the client's window sizes until they end. */
export async function followSizes(
  resize: RemoteCommandStreams['resize'],
  child: Pick<Child, 'resize'>,
): Promise<void> {
  try {
    for await (const size of resize ?? []) child.resize(size);
  } catch {
    // Sizes end with the connection, however it ends.
  }
}

/**
 * Copies an output of a process until its end; resolves when all is handed over. Without a target it is dropped. From
 * the first bytes on that a client who is gone cannot take, nothing more is read until the process has ended: it may
 * write what pipes hold (64 KiB and a bit), then it waits. containerd does the same: its copying ends with the failed
 * write, and the shim keeps the pipe open, so that the process gets neither a reader nor a SIGPIPE.
 */
export async function copyOutput(
  output: Readable | undefined,
  target: Writable | undefined,
  { signal, exited }: { readonly signal: AbortSignal; readonly exited: Promise<unknown> },
): Promise<void> {
  if (output === undefined) return;
  const sink = target === undefined ? undefined : new StreamSink(target, signal);
  try {
    for await (const chunk of output) {
      const taken = await sink?.write(chunk as Buffer).catch(() => false);
      if (taken !== false) continue;
      await exited;
      break;
    }
  } catch {
    // Cut short: what came before is written.
  }
  await sink?.flush();
}
