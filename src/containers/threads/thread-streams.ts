import { Readable, Writable } from 'node:stream';
import type { RemoteCommandStreams, TerminalSize } from '../../streams/types.js';
import type { ProcessMethods, ThreadCommand } from './protocol.js';
import { type Calls, ownBytes } from './thread-calls.js';

/** A command's streams inside the thread: each asks the main thread for one piece at a time. */
export function openThreadStreams(
  { exec, has }: ThreadCommand,
  calls: Calls<ProcessMethods>,
  signal: AbortSignal,
): RemoteCommandStreams {
  return {
    ...(has.stdin ? { stdin: input(exec, calls) } : {}),
    ...(has.stdout ? { stdout: output(exec, 'stdout', calls) } : {}),
    ...(has.stderr ? { stderr: output(exec, 'stderr', calls) } : {}),
    ...(has.resize ? { resize: sizes(exec, calls) } : {}),
    signal,
  };
}

function input(exec: number, calls: Calls<ProcessMethods>): Readable {
  const stream: Readable = new Readable({
    read() {
      calls.call('read', exec).then(
        (bytes) => stream.push(bytes ?? null),
        () => stream.destroy(),
      );
    },
  });
  stream.on('error', () => undefined);
  return stream;
}

/** Has room for one piece at a time, so that a writer notices early when its reader has left. */
function output(exec: number, name: 'stdout' | 'stderr', calls: Calls<ProcessMethods>): Writable {
  const stream = new Writable({
    highWaterMark: 1,
    write(chunk: Uint8Array, _encoding, done) {
      calls.call('write', exec, name, ownBytes(chunk)).then(() => done(), done);
    },
  });
  stream.on('error', () => undefined);
  return stream;
}

async function* sizes(exec: number, calls: Calls<ProcessMethods>): AsyncGenerator<TerminalSize> {
  for (;;) {
    const size = await calls.call('resize', exec).catch(() => undefined);
    if (size === undefined) return;
    yield size;
  }
}
