import { type ByteSink, writeText } from '../io/byte-sink.js';
import { type ByteSource, Input } from '../io/byte-source.js';
import { copyUpTo, parseSize } from './cat-tee-yes.js';
import { anyArgs, type Command, type Process } from './command.js';
import { copy, forEachSource } from './files.js';
import { CommandFailure, maxKeptBytes, SandboxLimit } from './limit.js';
import { newline } from './lines.js';
import { type OptionTable, readOptions } from './options.js';
import { follow } from './tail-follow.js';

/** How much of each source `head` and `tail` show. */
export interface Amount {
  readonly unit: 'lines' | 'bytes';
  readonly count: number;
  /** The sign before the number: `-` or `+`. */
  readonly sign: string;
  /** The byte that ends a line. */
  readonly end: number;
}

interface Wish {
  readonly amount: Amount;
  readonly operands: readonly string[];
  readonly follows: boolean;
  readonly titles: boolean;
}

const long = {
  lines: 'n',
  bytes: 'c',
  quiet: 'q',
  silent: 'q',
  verbose: 'v',
  'zero-terminated': 'z',
  follow: 'f',
  retry: 'F',
};

function parseWish(table: OptionTable, args: readonly string[]): Wish {
  const { given, operands } = readOptions(table, args);
  const [kind, values] = [...given].findLast(([letter]) => 'nc'.includes(letter)) ?? ['n', ['10']];
  const value = values.at(-1) ?? '10';
  const match = /^([+-]?)(.*)$/.exec(value);
  const count = parseSize(match?.[2] ?? '');
  if (count === undefined)
    throw new CommandFailure(`invalid number of ${kind === 'c' ? 'bytes' : 'lines'}: '${value}'`);
  const amount: Amount = {
    unit: kind === 'c' ? 'bytes' : 'lines',
    count,
    sign: match?.[1] ?? '',
    end: given.has('z') ? 0 : newline,
  };
  const titles = given.has('v') || (operands.length > 1 && !given.has('q'));
  return { amount, operands, follows: given.has('f') || given.has('F'), titles };
}

async function eachTitled(
  name: string,
  process: Process,
  wish: Wish,
  use: (source: ByteSource) => Promise<void>,
): Promise<number> {
  let first = true;
  return forEachSource(process, name, wish.operands, async (source, operand) => {
    const title = `${first ? '' : '\n'}==> ${operand === '-' ? 'standard input' : operand} <==\n`;
    if (wish.titles) await writeText(process.stdout, title);
    first = false;
    await use(source);
  });
}

/** `head`: the first lines or bytes, or all but the last ones. */
export const head: Command = {
  accepts: anyArgs,
  run(process) {
    const args = process.args.map((arg, at) => (at === 0 && /^-\d+$/.test(arg) ? `-n${arg.slice(1)}` : arg));
    const wish = parseWish({ name: 'head', letters: 'n:c:qvz', long }, args);
    const { unit, count, sign, end } = wish.amount;
    return eachTitled('head', process, wish, async (source) => {
      if (sign === '-') return allButLast(source, wish.amount, process);
      if (unit === 'lines') return copyLines(source, process, { count, end });
      await copyUpTo({ process, source, sink: process.stdout, limitBytes: count });
    });
  },
};

/** `tail`: the last lines or bytes, everything from a position on, or what is added to a file. */
export const tail: Command = {
  accepts: anyArgs,
  run(process) {
    const args = process.args.map((arg, at) => {
      if (at > 0) return arg;
      return arg.replace(/^-(\d+)$/, '-n$1').replace(/^\+(\d+)$/, '-n+$1');
    });
    const wish = parseWish({ name: 'tail', letters: 'n:c:qvzfF', long }, args);
    const { amount } = wish;
    if (wish.follows) return follow(process, wish.operands, (bytes) => startOfLast(bytes, amount));
    return eachTitled('tail', process, wish, (source) =>
      amount.sign === '+' ? from(source, amount, process) : last(source, amount, process),
    );
  },
};

async function copyLines(
  source: ByteSource,
  process: Process,
  { count, end: lineEnd }: Pick<Amount, 'count' | 'end'>,
): Promise<void> {
  let left = count;
  while (left > 0 && !process.signal.aborted) {
    const chunk = await source.next();
    if (chunk === undefined) return;
    let end = 0;
    while (left > 0 && end < chunk.length) {
      const at = chunk.indexOf(lineEnd, end);
      end = at < 0 ? chunk.length : at + 1;
      if (at >= 0) left--;
    }
    await process.stdout.write(chunk.subarray(0, end));
    if (source instanceof Input) source.putBack(chunk.subarray(end));
  }
}

/** Everything from that line or byte on; the first has the number 1. */
async function from(source: ByteSource, { unit, count, end }: Amount, process: Process): Promise<void> {
  let skip = Math.max(0, count - 1);
  while (skip > 0) {
    const chunk = await source.next();
    if (chunk === undefined) return;
    let at = unit === 'bytes' ? Math.min(skip, chunk.length) : 0;
    if (unit === 'bytes') skip -= at;
    for (; unit === 'lines' && skip > 0 && at < chunk.length; skip--) {
      const next = chunk.indexOf(end, at);
      at = next < 0 ? chunk.length : next + 1;
      if (next < 0) skip++;
    }
    if (at < chunk.length) await process.stdout.write(chunk.subarray(at));
  }
  await copy(source, process.stdout, process.signal);
}

async function last(source: ByteSource, amount: Amount, process: Process): Promise<void> {
  const kept = await keepLast(source, amount, undefined);
  await process.stdout.write(kept.subarray(startOfLast(kept, amount)));
}

async function allButLast(source: ByteSource, amount: Amount, process: Process): Promise<void> {
  const kept = await keepLast(source, amount, process.stdout);
  await process.stdout.write(kept.subarray(0, startOfLast(kept, amount)));
}

/** Reads to the end and keeps what may be the last part. The bytes before it are written to `before`. */
async function keepLast(source: ByteSource, amount: Amount, before: ByteSink | undefined): Promise<Buffer> {
  const kept: { readonly chunk: Uint8Array; readonly units: number }[] = [];
  let units = 0;
  let keptBytes = 0;
  for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
    const more = amount.unit === 'bytes' ? chunk.length : countOf(chunk, amount.end);
    kept.push({ chunk, units: more });
    units += more;
    keptBytes += chunk.length;
    for (let [first] = kept; first !== undefined && units - first.units > amount.count; [first] = kept) {
      kept.shift();
      units -= first.units;
      keptBytes -= first.chunk.length;
      await before?.write(first.chunk);
    }
    if (keptBytes > maxKeptBytes) throw new SandboxLimit(`more than ${maxKeptBytes} bytes at the end`);
  }
  return Buffer.concat(kept.map(({ chunk }) => chunk));
}

/** Where the last lines or bytes begin. */
function startOfLast(bytes: Buffer, { unit, count, end }: Amount): number {
  if (unit === 'bytes') return Math.max(0, bytes.length - count);
  if (count === 0) return bytes.length;
  let at = bytes.at(-1) === end ? bytes.length - 1 : bytes.length;
  for (let left = count; left > 0; left--) {
    if (at === 0) return 0;
    at = bytes.lastIndexOf(end, at - 1);
    if (at < 0) return 0;
  }
  return at + 1;
}

export function countOf(chunk: Uint8Array, byte: number): number {
  let count = 0;
  for (let at = chunk.indexOf(byte); at >= 0; at = chunk.indexOf(byte, at + 1)) count++;
  return count;
}
