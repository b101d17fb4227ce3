import { anyArgs, type Command } from './command.js';
import { forEachSource } from './files.js';
import { joinLines, lineBatches, newline } from './lines.js';
import { readOptions, usage } from './options.js';

/** Positions in a line, from 1; both ends are included. */
type Range = readonly [first: number, last: number];

const table = {
  name: 'cut',
  letters: 'b:c:f:d:szno:C',
  long: {
    bytes: 'b',
    characters: 'c',
    fields: 'f',
    delimiter: 'd',
    'only-delimited': 's',
    'zero-terminated': 'z',
    'output-delimiter': 'o',
    complement: 'C',
  },
};

interface Wish {
  readonly fields: boolean;
  readonly ranges: readonly Range[];
  readonly delimiter: number;
  readonly between: Buffer | undefined;
  readonly onlyDelimited: boolean;
  readonly end: number;
  readonly operands: readonly string[];
}

/** `cut`; a character is a byte, as in GNU's. */
export const cut: Command = {
  accepts: anyArgs,
  run(process) {
    const wish = parseWish(process.args);
    const pick = wish.fields ? pickFields : pickBytes;
    return forEachSource(process, 'cut', wish.operands, async (source) => {
      for await (const lines of lineBatches(source, wish.end)) {
        const picked = lines.map((line) => pick(line, wish)).filter((line) => line !== undefined);
        await process.stdout.write(joinLines(picked, wish.end));
        if (process.signal.aborted) return;
      }
    });
  },
};

function parseWish(args: readonly string[]): Wish {
  const { given, operands } = readOptions(table, args);
  const lists = ['b', 'c', 'f'].flatMap((letter) => given.get(letter) ?? []);
  const [list, ...more] = lists;
  if (list === undefined) throw usage(table, 'you must specify a list of bytes, characters, or fields');
  if (more.length > 0) throw usage(table, 'only one list may be specified');
  const fields = given.has('f');
  const delimiter = Buffer.from(given.get('d')?.at(-1) ?? '\t');
  if (delimiter.length > 1) throw usage(table, 'the delimiter must be a single character');
  if (!fields && given.has('d'))
    throw usage(table, 'an input delimiter may be specified only when operating on fields');
  if (!fields && given.has('s'))
    throw usage(table, 'suppressing non-delimited lines makes sense\n\tonly when operating on fields');
  const ranges = parseRanges(list, fields);
  const between = given.get('o')?.at(-1);
  return {
    fields,
    ranges: given.has('C') ? complement(ranges) : ranges,
    delimiter: delimiter[0] ?? 0,
    between: between === undefined ? undefined : Buffer.from(between),
    onlyDelimited: given.has('s'),
    end: given.has('z') ? 0 : newline,
    operands,
  };
}

function parseRanges(list: string, fields: boolean): Range[] {
  const ranges = list.split(/[,\s]/).map((text): Range => {
    const match = /^(\d*)(-?)(\d*)$/.exec(text);
    if (match === null || text === '' || text === '-')
      throw usage(
        table,
        text === '-'
          ? 'invalid range with no endpoint: -'
          : `invalid ${fields ? 'field' : 'byte/character position'} value '${text}'`,
      );
    const first = match[1] === '' ? 1 : Number(match[1]);
    const last = match[2] === '' ? first : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3]);
    if (first === 0)
      throw usage(table, `${fields ? 'fields' : 'byte/character positions'} are numbered from 1`);
    if (last < first) throw usage(table, 'invalid decreasing range');
    return [first, last];
  });
  return merge(ranges);
}

function merge(ranges: readonly Range[]): Range[] {
  const merged: Range[] = [];
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const before = merged.at(-1);
    if (before !== undefined && first <= before[1])
      merged[merged.length - 1] = [before[0], Math.max(before[1], last)];
    else merged.push([first, last]);
  }
  return merged;
}

function complement(ranges: readonly Range[]): Range[] {
  const others: Range[] = [];
  let next = 1;
  for (const [first, last] of ranges) {
    if (first > next) others.push([next, first - 1]);
    next = last + 1;
  }
  return next === Number.POSITIVE_INFINITY ? others : [...others, [next, Number.POSITIVE_INFINITY]];
}

function pickBytes(line: Buffer, { ranges, between }: Wish): Buffer {
  const parts = ranges
    .filter(([first]) => first <= line.length)
    .map(([first, last]) => line.subarray(first - 1, Math.min(last, line.length)));
  return joinParts(parts, between ?? Buffer.alloc(0));
}

function pickFields(line: Buffer, wish: Wish): Buffer | undefined {
  const { delimiter, ranges, between } = wish;
  if (!line.includes(delimiter)) return wish.onlyDelimited ? undefined : line;
  const fields: Buffer[] = [];
  for (let start = 0; start <= line.length; ) {
    const at = line.indexOf(delimiter, start);
    fields.push(line.subarray(start, at < 0 ? line.length : at));
    start = at < 0 ? line.length + 1 : at + 1;
  }
  const picked = ranges.flatMap(([first, last]) => fields.slice(first - 1, Math.min(last, fields.length)));
  return joinParts(picked, between ?? Buffer.of(delimiter));
}

function joinParts(parts: readonly Buffer[], between: Buffer): Buffer {
  return Buffer.concat(parts.flatMap((part, at) => (at === 0 ? [part] : [between, part])));
}
