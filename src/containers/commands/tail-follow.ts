import { BufferSink } from '../io/byte-sink.js';
import type { Process } from './command.js';
import { copy, forEachSource, openSource } from './files.js';
import { maxKeptBytes, SandboxLimit } from './limit.js';

const followIntervalMs = 1000;

/** `tail -f FILE`: the end of the file, then what is added. */
export async function follow(
  process: Process,
  operands: readonly string[],
  startOf: (bytes: Buffer) => number,
): Promise<number> {
  const [operand] = operands;
  if (operand === undefined || operand === '-' || operands.length > 1)
    throw new SandboxLimit('-f of anything but one file');
  const path = process.files.resolvePath(process.cwd, operand);
  let offset: number | undefined;
  const code = await forEachSource(process, 'tail', [path], async () => undefined);
  if (code !== 0) return code;
  while (!process.signal.aborted) {
    const bytes = path === '/dev/null' ? Buffer.alloc(0) : await contents(process, path);
    offset ??= startOf(bytes);
    if (bytes.length > offset) await process.stdout.write(bytes.subarray(offset));
    offset = bytes.length;
    await process.machine.sleep(followIntervalMs, process.signal);
  }
  return 0;
}

async function contents(process: Process, path: string): Promise<Buffer> {
  const sink = new BufferSink(4 * maxKeptBytes);
  await copy(await openSource(process, path), sink, process.signal);
  return sink.bytes();
}
