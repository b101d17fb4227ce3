import { writeText } from '../io/byte-sink.js';
import { type ByteSource, Input } from '../io/byte-source.js';
import { anyArgs, type Command, noOptions, type Process } from './command.js';
import { copy, type FileSink, forEachSource, openSink, turn } from './files.js';

export const cat: Command = {
  accepts: noOptions,
  run: (process) =>
    forEachSource(process, 'cat', process.args, (source) => copy(source, process.stdout, process.signal)),
};

export const tee: Command = {
  accepts: (args) => noOptions(args[0] === '-a' ? args.slice(1) : args),
  async run(process) {
    const append = process.args[0] === '-a';
    const files: FileSink[] = [];
    let code = 0;
    for (const operand of append ? process.args.slice(1) : process.args) {
      try {
        files.push(await openSink(process, operand, append));
      } catch (error) {
        await writeText(process.stderr, `tee: ${operand}: ${(error as Error).message}\n`);
        code = 1;
      }
    }
    const all = [process.stdout, ...files];
    const everywhere = {
      write: async (chunk: Uint8Array) => void (await Promise.all(all.map((s) => s.write(chunk)))),
    };
    try {
      await copy(process.stdin, everywhere, process.signal);
    } finally {
      await Promise.all(files.map((f) => f.close()));
    }
    return code;
  },
};

export const yes: Command = {
  accepts: anyArgs,
  async run(process) {
    const line = Buffer.from(`${process.args.length === 0 ? 'y' : process.args.join(' ')}\n`);
    const repeats = Math.max(1, Math.floor(65_536 / line.length));
    const block = Buffer.alloc(repeats * line.length, line);
    while (!process.signal.aborted) {
      await process.stdout.write(block);
      await turn();
    }
    return 0;
  },
};

interface CopyUpTo {
  readonly process: Process;
  readonly source: ByteSource;
  readonly sink: { write(chunk: Uint8Array): Promise<void> };
  readonly limitBytes: number;
}

/** Copies at most `limitBytes`; resolves with the number of bytes copied. */
export async function copyUpTo({ process, source, sink, limitBytes }: CopyUpTo): Promise<number> {
  let copied = 0;
  while (copied < limitBytes && !process.signal.aborted) {
    const chunk = await source.next();
    if (chunk === undefined) break;
    const part = chunk.subarray(0, Math.min(chunk.length, limitBytes - copied));
    copied += part.length;
    // What is not taken stays for the next reader of the same input.
    if (source instanceof Input) source.putBack(chunk.subarray(part.length));
    await sink.write(part);
  }
  return copied;
}

const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  c: 1,
  b: 512,
  kB: 1000,
  k: 1024,
  K: 1024,
  KiB: 1024,
  MB: 1000 ** 2,
  m: 1024 ** 2,
  M: 1024 ** 2,
  MiB: 1024 ** 2,
  GB: 1000 ** 3,
  G: 1024 ** 3,
  GiB: 1024 ** 3,
};

/** The number of bytes of a size such as `64`, `4k` or `1M`. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+)([a-zA-Z]*)$/.exec(text);
  const unit = sizeUnits[match?.[2] ?? ''];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}
