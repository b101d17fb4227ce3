import type { Readable, Writable } from 'node:stream';
import type { RemoteCommandStreams } from '../../../streams/types.js';
import { StreamSink } from '../io/byte-sink.js';
import type { Child } from './child.js';

/** Feeds a client's input to a process, at the pace of the slower. What the process no longer takes is dropped. */
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
  // Unread, the rest would stop the client's whole connection.
  const drop = (): void => void input.unpipe(stdin).resume();
  stdin.once('error', drop);
  stdin.once('close', drop);
  input.once('close', () => {
    stdin.off('error', drop);
    stdin.off('close', drop);
    input.unpipe(stdin);
  });
  // A terminal has no end of input, only a key for it.
  input.pipe(stdin, { end: !keepOpen && !child.isTerminal });
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

/** Copies an output until its end; resolves when all is handed over, or nobody is left to take it. */
export async function copyOutput(
  output: Readable | undefined,
  target: Writable | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (output === undefined) return;
  const sink = target === undefined ? undefined : new StreamSink(target, signal);
  try {
    for await (const chunk of output) await sink?.write(chunk as Buffer).catch(() => undefined);
  } catch {
    // Cut short: what came before is written.
  }
  await sink?.flush();
}
