import { writeText } from '../../io/byte-sink.js';
import type { ByteSource } from '../../io/byte-source.js';
import { anyArgs, type Command, type Process } from '../command.js';
import { openSink, openSource } from '../files.js';
import { CommandFailure, maxKeptBytes, SandboxLimit } from '../limit.js';
import { joinLines, lineBatches, newline } from '../lines.js';
import { readOptions } from '../options.js';
import { compareKeys, keyOf, type Order, orderOf, parseKey, type SortKey } from './keys.js';

const table = {
  name: 'sort',
  usageCode: 2,
  letters: 'nrufbghk:t:o:csmzCVMRdiST:',
  long: {
    'numeric-sort': 'n',
    'general-numeric-sort': 'g',
    'human-numeric-sort': 'h',
    reverse: 'r',
    unique: 'u',
    'ignore-case': 'f',
    'ignore-leading-blanks': 'b',
    key: 'k',
    'field-separator': 't',
    output: 'o',
    stable: 's',
    merge: 'm',
    'zero-terminated': 'z',
  },
};

/** The memory that a line needs in addition to its bytes. */
const lineCostBytes = 100;
const maxSortBytes = 4 * maxKeptBytes;

interface Wish {
  readonly order: Order;
  readonly keys: readonly SortKey[];
  readonly separator: number | undefined;
  readonly unique: boolean;
  readonly stable: boolean;
  readonly checks: 'loudly' | 'silently' | undefined;
  readonly output: string | undefined;
  readonly end: number;
  readonly operands: readonly string[];
}

/** `sort` in the C locale: text is compared by its bytes. */
export const sort: Command = {
  accepts: anyArgs,
  async run(process) {
    const wish = parseWish(process.args);
    const lines = await readAll(process, wish);
    const compare = comparer(wish);
    if (wish.checks !== undefined) return check(process, wish, lines);
    lines.sort(compare);
    const kept = wish.unique
      ? lines.filter((line, at) => at === 0 || compare(lines[at - 1] ?? line, line) !== 0)
      : lines;
    const file = wish.output === undefined ? undefined : await openSink(process, wish.output, false);
    for (let at = 0; at < kept.length && !process.signal.aborted; at += 4096)
      await (file ?? process.stdout).write(joinLines(kept.slice(at, at + 4096), wish.end));
    await file?.close();
    return 0;
  },
};

function parseWish(args: readonly string[]): Wish {
  const { given, operands } = readOptions(table, args);
  const order = orderOf([...given.keys()].filter((letter) => 'nrfbghVMRdi'.includes(letter)).join(''));
  const separators = given.get('t');
  const separator = separators?.at(-1) === '\\0' ? Buffer.of(0) : Buffer.from(separators?.at(-1) ?? '');
  if (separators !== undefined && separator.length === 0) throw new CommandFailure('empty tab', 2);
  if (separator.length > 1) throw new CommandFailure(`multi-character tab '${separator.toString()}'`, 2);
  const output = given.get('o')?.at(-1);
  return {
    order,
    keys: (given.get('k') ?? []).map((text) => parseKey(text, order)),
    separator: separator[0],
    unique: given.has('u'),
    stable: given.has('s') || given.has('u'),
    checks: given.has('c') ? 'loudly' : given.has('C') ? 'silently' : undefined,
    output,
    end: given.has('z') ? 0 : newline,
    operands: operands.length === 0 ? ['-'] : operands,
  };
}

/** All files are opened before the first line is read, as by a real sort. */
async function readAll(process: Process, { operands, end }: Wish): Promise<Buffer[]> {
  const lines: Buffer[] = [];
  let keptBytes = 0;
  for (const source of await openAll(process, operands)) {
    for await (const batch of lineBatches(source, end)) {
      for (const line of batch) {
        keptBytes += line.length + lineCostBytes;
        lines.push(line);
      }
      if (keptBytes > maxSortBytes)
        throw new SandboxLimit(`more to sort than ${maxSortBytes} bytes of memory hold`);
    }
  }
  return lines;
}

async function openAll(process: Process, operands: readonly string[]): Promise<ByteSource[]> {
  const sources: ByteSource[] = [];
  for (const operand of operands) {
    try {
      sources.push(await openSource(process, operand));
    } catch (error) {
      const reason = (error as Error).message;
      const text = reason === 'Is a directory' ? `read failed: ${operand}` : `cannot read: ${operand}`;
      throw new CommandFailure(`${text}: ${reason}`, 2);
    }
  }
  return sources;
}

function comparer({ order, keys, separator, unique, stable }: Wish): (a: Buffer, b: Buffer) => number {
  const plain = keys.length === 0 && !order.numeric && !order.general && !order.human;
  return (a, b) => {
    if (keys.length === 0) {
      const found = compareKeys(a, b, order);
      if (found !== 0 || (plain && !order.foldCase && !order.skipBlanks)) return found;
    }
    for (const key of keys) {
      const found = compareKeys(keyOf(a, key, separator), keyOf(b, key, separator), key.order);
      if (found !== 0) return found;
    }
    if (stable || unique) return 0;
    return order.reverse ? Buffer.compare(b, a) : Buffer.compare(a, b);
  };
}

async function check(process: Process, wish: Wish, lines: readonly Buffer[]): Promise<number> {
  const compare = comparer(wish);
  const at = lines.findIndex((line, index) => {
    const before = lines[index - 1];
    if (before === undefined) return false;
    const found = compare(before, line);
    return found > 0 || (wish.unique && found === 0);
  });
  if (at < 0) return 0;
  if (wish.checks === 'loudly')
    await writeText(
      process.stderr,
      `sort: ${wish.operands[0]}:${at + 1}: disorder: ${lines[at]?.toString()}\n`,
    );
  return 1;
}
