import type { Readable, Writable } from 'node:stream';
import type { RemoteCommandStreams, TerminalSize } from '../streams/types.js';
import { StreamSink } from './io/byte-sink.js';

/**
 * Feeds a client's input to a process, at the pace of the slower one. What the process no longer reads is dropped. When
 * the client leaves, the input ends after everything that it sent.
 */
export function feedInput(
  input: Readable | undefined,
  child: { readonly stdin: Writable | undefined; readonly isTerminal: boolean },
  keepOpen = false,
): void {
  if (input === undefined) return;
  const { stdin } = child;
  if (stdin === undefined || stdin.destroyed || stdin.writableEnded) {
    input.resume();
    return;
  }
  // A terminal's input ends only by a key.
  const end = !keepOpen && !child.isTerminal;
  if (input.destroyed) {
    if (end) stdin.end();
    return;
  }
  // If it stayed unread, the rest would block the client's whole connection.
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

export async function followSizes(
  resize: RemoteCommandStreams['resize'],
  child: { resize(size: TerminalSize): void },
): Promise<void> {
  try {
    for await (const size of resize ?? []) child.resize(size);
  } catch {
    // The sizes end with the connection, in whatever way it ends.
  }
}

/**
 * Copies an output of a process until its end; resolves when everything is handed over. Without a target it is dropped.
 * When the client has left, nothing more is read until the process has ended: it may write what pipes hold (64 KiB and
 * a bit), then it blocks. containerd does the same: its copying ends with the failed write, and the shim keeps the pipe
 * open, so the process has no reader and gets no SIGPIPE.
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
    // It was cut; what came before has been written.
  }
  await sink?.flush();
}
