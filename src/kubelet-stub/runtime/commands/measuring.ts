import { createHash } from 'node:crypto';
import { BufferSink, writeText } from '../io/byte-sink.js';
import { type ByteSource, Input } from '../io/byte-source.js';
import { type Command, noOptions, type Process } from './command.js';
import { copyUpTo, parseSize } from './copying.js';
import { copy, forEachSource, openSource } from './files.js';

const newline = 0x0a;

function digestCommand(algorithm: string, name: string): Command {
  return {
    accepts: noOptions,
    run: (process) =>
      forEachSource(process, name, process.args, async (source, operand) => {
        const hash = createHash(algorithm);
        await copy(source, { write: async (chunk) => void hash.update(chunk) }, process.signal);
        await writeText(process.stdout, `${hash.digest('hex')}  ${operand}\n`);
      }),
  };
}

export const md5sum = digestCommand('md5', 'md5sum');
export const sha1sum = digestCommand('sha1', 'sha1sum');
export const sha256sum = digestCommand('sha256', 'sha256sum');
export const sha512sum = digestCommand('sha512', 'sha512sum');

/** `wc -c` and `wc -l` of at most one operand; all else is left to the shell library. */
export const wc: Command = {
  accepts: ([unit, ...operands]) =>
    (unit === '-c' || unit === '-l') && operands.length <= 1 && noOptions(operands),
  run(process) {
    const [unit, ...operands] = process.args;
    return forEachSource(process, 'wc', operands, async (source) => {
      let count = 0;
      const add = unit === '-c' ? (chunk: Uint8Array) => chunk.length : countNewlines;
      await copy(source, { write: async (chunk) => void (count += add(chunk)) }, process.signal);
      await writeText(process.stdout, operands.length === 0 ? `${count}\n` : `${count} ${operands[0]}\n`);
    });
  },
};

function countNewlines(chunk: Uint8Array): number {
  let count = 0;
  for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, at + 1)) count++;
  return count;
}

interface Amount {
  readonly unit: 'lines' | 'bytes';
  readonly count: number;
  readonly operands: readonly string[];
}

function parseAmount(args: readonly string[]): Amount | undefined {
  const [first = '', second = ''] = args;
  const short = /^-(\d+)$/.exec(first);
  if (short !== null) return { unit: 'lines', count: Number(short[1]), operands: args.slice(1) };
  const flag = /^-([nc])(.*)$/.exec(first);
  if (flag === null)
    return first === '' || noOptions(args) ? { unit: 'lines', count: 10, operands: args } : undefined;
  const glued = flag[2] !== '';
  const count = parseSize(glued ? (flag[2] ?? '') : second);
  if (count === undefined) return undefined;
  return { unit: flag[1] === 'c' ? 'bytes' : 'lines', count, operands: args.slice(glued ? 1 : 2) };
}

/** `head -n N`, `-N` and `-c N` of at most one operand. */
export const head: Command = {
  accepts(args) {
    const amount = parseAmount(args);
    return amount !== undefined && amount.operands.length <= 1 && noOptions(amount.operands);
  },
  async run(process) {
    const amount = parseAmount(process.args);
    if (amount === undefined) return 1;
    return forEachSource(process, 'head', amount.operands, async (source) => {
      if (amount.unit === 'lines') return copyLines(source, process, amount.count);
      const next = (): Promise<Uint8Array | undefined> => source.next();
      await copyUpTo({ process, next, sink: process.stdout, limitBytes: amount.count });
    });
  },
};

async function copyLines(source: ByteSource, process: Process, lines: number): Promise<void> {
  let left = lines;
  while (left > 0 && !process.signal.aborted) {
    const chunk = await source.next();
    if (chunk === undefined) return;
    let end = 0;
    while (left > 0 && end < chunk.length) {
      const at = chunk.indexOf(newline, end);
      end = at < 0 ? chunk.length : at + 1;
      if (at >= 0) left--;
    }
    await process.stdout.write(chunk.subarray(0, end));
    if (source instanceof Input) source.putBack(chunk.subarray(end));
  }
}

const followIntervalMs = 1000;

/** `tail -f FILE`: the last ten lines, then what is added. Other forms are left to the shell library. */
export const tail: Command = {
  accepts: (args) => (args[0] === '-f' || args[0] === '-F') && args.length === 2,
  async run(process) {
    const path = process.files.resolvePath(process.cwd, process.args[1] ?? '');
    let offset = 0;
    const code = await forEachSource(
      { ...process, signal: process.signal },
      'tail',
      [path],
      async () => undefined,
    );
    if (code !== 0) return code;
    while (!process.signal.aborted) {
      const bytes = path === '/dev/null' ? Buffer.alloc(0) : await contents(process, path);
      if (offset === 0) offset = lastLines(bytes, 10);
      if (bytes.length > offset) await process.stdout.write(bytes.subarray(offset));
      offset = bytes.length;
      await process.machine.sleep(followIntervalMs, process.signal);
    }
    return 0;
  },
};

async function contents(process: Process, path: string): Promise<Buffer> {
  const sink = new BufferSink();
  await copy(await openSource(process, path), sink, process.signal);
  return sink.bytes();
}

function lastLines(bytes: Buffer, lines: number): number {
  let at = bytes.length;
  for (let left = lines + 1; left > 0 && at >= 0; left--)
    at = at === 0 ? -1 : bytes.lastIndexOf(newline, at - 1);
  return at + 1;
}
