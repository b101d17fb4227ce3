import { type ByteSink, discardSink, writeText } from '../io/byte-sink.js';
import { type ByteSource, bytesSource } from '../io/byte-source.js';
import type { Process } from './command.js';

const chunkBytes = 65_536;
const flushBytes = 16 * 1024 * 1024;

/** Opens an operand for reading; `-` is standard input. Rejects with the text that programs print. */
export async function openSource(process: Process, operand: string): Promise<ByteSource> {
  const path = process.files.resolvePath(process.cwd, operand);
  if (operand === '-' || path === '/dev/stdin') return process.stdin;
  if (path === '/dev/zero') return endless(() => Buffer.alloc(chunkBytes), process);
  if (path === '/dev/urandom' || path === '/dev/random') return endless(() => randomChunk(process), process);
  return bytesSource(await readFile(process, path));
}

async function readFile(process: Process, path: string): Promise<Uint8Array> {
  if (!(await process.files.exists(path))) throw new Error('No such file or directory');
  if ((await process.files.stat(path)).isDirectory) throw new Error('Is a directory');
  return process.files.readFileBuffer(path);
}

function endless(make: () => Uint8Array, process: Process): ByteSource {
  return {
    async next() {
      await turn();
      return process.signal.aborted ? undefined : make();
    },
  };
}

function randomChunk(process: Process): Uint8Array {
  const chunk = Buffer.allocUnsafe(4096);
  for (let at = 0; at < chunk.length; at++) chunk[at] = process.machine.randomByte();
  return chunk;
}

/** Gives the event loop a turn, so that an endless command can be stopped. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Copies to the end, or until `signal` aborts. */
export async function copy(source: ByteSource, sink: ByteSink, signal: AbortSignal): Promise<void> {
  for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
    if (signal.aborted) return;
    await sink.write(chunk);
  }
}

const cannotOpen = (operand: string): string => `cannot open '${operand}' for reading`;

/** What programs print before the reason when a file cannot be opened; most print only its name. */
const openingTexts: Readonly<Record<string, (operand: string) => string>> = {
  head: cannotOpen,
  tail: cannotOpen,
};

/** Runs `use` for each operand (standard input without operands), and prints `name: operand: reason` for failures. */
export async function forEachSource(
  process: Process,
  name: string,
  operands: readonly string[],
  use: (source: ByteSource, operand: string) => Promise<void>,
): Promise<number> {
  let code = 0;
  for (const operand of operands.length === 0 ? ['-'] : operands) {
    let source: ByteSource;
    try {
      source = await openSource(process, operand);
    } catch (error) {
      const tell = openingTexts[name] ?? ((what) => what);
      await writeText(process.stderr, `${name}: ${tell(operand)}: ${(error as Error).message}\n`);
      code = 1;
      continue;
    }
    await use(source, operand);
  }
  return code;
}

/** A file that is being written. The file system gets the content in large steps, and completely at `close`. */
export interface FileSink extends ByteSink {
  close(): Promise<void>;
}

/** Opens a file for writing. Rejects with the text that shells print. */
export async function openSink(
  process: Pick<Process, 'files' | 'cwd'>,
  operand: string,
  append: boolean,
): Promise<FileSink> {
  const { files } = process;
  const path = files.resolvePath(process.cwd, operand);
  if (path === '/dev/null') return { ...discardSink, close: async () => undefined };
  const parent = files.resolvePath(path, '..');
  if (!(await files.exists(parent))) throw new Error('No such file or directory');
  if ((await files.exists(path)) && (await files.stat(path)).isDirectory) throw new Error('Is a directory');
  if (append) await files.appendFile(path, '');
  else await files.writeFile(path, '');
  return bufferedFile((bytes) => files.appendFile(path, bytes));
}

function bufferedFile(append: (bytes: Uint8Array) => Promise<void>): FileSink {
  let parts: Uint8Array[] = [];
  let sizeBytes = 0;
  const flush = async (): Promise<void> => {
    const bytes = Buffer.concat(parts);
    parts = [];
    sizeBytes = 0;
    if (bytes.length > 0) await append(bytes);
  };
  return {
    async write(chunk) {
      parts.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes >= flushBytes) await flush();
    },
    close: flush,
  };
}
