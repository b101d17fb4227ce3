import { CommandFailure, SandboxLimit } from '../limit.js';

/** How parts of lines are compared. */
export interface Order {
  readonly numeric: boolean;
  readonly general: boolean;
  readonly human: boolean;
  readonly foldCase: boolean;
  readonly skipBlanks: boolean;
  readonly reverse: boolean;
}

/** One `-k`: where the key begins and ends, and its order. */
export interface SortKey {
  readonly from: Place;
  readonly to: Place | undefined;
  readonly order: Order;
}

interface Place {
  readonly field: number;
  readonly character: number;
  readonly skipBlanks: boolean;
}

/** Letters of real orders that the sandbox does not support. */
const unknownHere = /[diMRV]/;

export function orderOf(letters: string): Order {
  const unknown = unknownHere.exec(letters);
  if (unknown !== null) throw new SandboxLimit(`the order -${unknown[0]}`);
  return {
    numeric: letters.includes('n'),
    general: letters.includes('g'),
    human: letters.includes('h'),
    foldCase: letters.includes('f'),
    skipBlanks: letters.includes('b'),
    reverse: letters.includes('r'),
  };
}

/** Parses `F[.C][ORDER][,F[.C][ORDER]]`. A key without an order has the command's order. */
export function parseKey(text: string, whole: Order): SortKey {
  const match = /^(\d+)(?:\.(\d+))?([a-zA-Z]*)(?:,(\d+)(?:\.(\d+))?([a-zA-Z]*))?$/.exec(text);
  const [, field, character, fromLetters = '', toField, toCharacter, toLetters = ''] = match ?? [];
  if (field === undefined)
    throw new CommandFailure(`invalid number at field start: invalid count at start of '${text}'`, 2);
  if (Number(field) === 0 || Number(toField ?? 1) === 0)
    throw new CommandFailure(`field number is zero: invalid field specification '${text}'`, 2);
  const letters = fromLetters + toLetters;
  const own = letters === '' ? whole : orderOf(letters);
  const order = { ...own, skipBlanks: false };
  return {
    from: {
      field: Number(field),
      character: Number(character ?? 1),
      skipBlanks: letters === '' ? whole.skipBlanks : fromLetters.includes('b'),
    },
    to:
      toField === undefined
        ? undefined
        : {
            field: Number(toField),
            character: Number(toCharacter ?? 0),
            skipBlanks: letters === '' ? whole.skipBlanks : toLetters.includes('b'),
          },
    order,
  };
}

const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0a;

/** The part of `line` that a key compares. */
export function keyOf(line: Buffer, { from, to }: SortKey, separator: number | undefined): Buffer {
  let start = fieldStart(line, from.field, separator);
  if (from.skipBlanks) start = skipBlanks(line, start);
  start = Math.min(line.length, start + from.character - 1);
  if (to === undefined) return line.subarray(start);
  let end: number;
  if (to.character === 0) end = fieldEnd(line, to.field, separator);
  else {
    end = fieldStart(line, to.field, separator);
    if (to.skipBlanks) end = skipBlanks(line, end);
    end = Math.min(line.length, end + to.character);
  }
  return line.subarray(start, Math.max(start, end));
}

function skipBlanks(line: Buffer, start: number): number {
  let at = start;
  while (at < line.length && isBlank(line[at])) at++;
  return at;
}

/** Without a separator a field includes the blanks before it. */
function fieldStart(line: Buffer, field: number, separator: number | undefined): number {
  let at = 0;
  for (let left = field - 1; left > 0 && at < line.length; left--) {
    at = endOfField(line, at, separator);
    if (separator !== undefined && at < line.length) at++;
  }
  return at;
}

function fieldEnd(line: Buffer, field: number, separator: number | undefined): number {
  return endOfField(line, fieldStart(line, field, separator), separator);
}

function endOfField(line: Buffer, start: number, separator: number | undefined): number {
  if (separator !== undefined) {
    const at = line.indexOf(separator, start);
    return at < 0 ? line.length : at;
  }
  let at = skipBlanks(line, start);
  while (at < line.length && !isBlank(line[at])) at++;
  return at;
}

/** Compares two keys; zero when they are equal in this order. */
export function compareKeys(a: Buffer, b: Buffer, order: Order): number {
  const sign = order.reverse ? -1 : 1;
  if (order.numeric || order.human) return sign * compareNumbers(a, b, order.human);
  if (order.general) return sign * compareGeneral(a, b);
  const [left, right] = [a, b].map((key) => {
    const text = order.skipBlanks ? key.subarray(skipBlanks(key, 0)) : key;
    return order.foldCase ? upper(text) : text;
  });
  return sign * Buffer.compare(left ?? a, right ?? b);
}

const upper = (text: Buffer): Buffer =>
  Buffer.from(
    text.toString('latin1').replace(/[a-z]/g, (c) => c.toUpperCase()),
    'latin1',
  );

interface Decimal {
  readonly negative: boolean;
  readonly whole: string;
  readonly fraction: string;
  /** The rank of the unit after the number: 1 for K, 2 for M, and so on; 0 without a unit. */
  readonly unit: number;
}

function decimalOf(key: Buffer): Decimal {
  const match = /^[ \t\n]*(-?)0*(\d*)(?:\.(\d*))?(.?)/s.exec(key.toString('latin1'));
  const [, minus, whole = '', fraction = '', unit = ''] = match ?? [];
  const trimmed = fraction.replace(/0+$/, '');
  const zero = whole === '' && trimmed === '';
  const scale = zero || unit === '' ? 0 : 'KMGTPEZYRQ'.indexOf(unit.replace('k', 'K')) + 1;
  return { negative: minus === '-' && !zero, whole, fraction: trimmed, unit: scale };
}

function compareNumbers(a: Buffer, b: Buffer, human: boolean): number {
  const [left, right] = [decimalOf(a), decimalOf(b)];
  if (left.negative !== right.negative) return left.negative ? -1 : 1;
  const sign = left.negative ? -1 : 1;
  if (human && left.unit !== right.unit) return sign * (left.unit - right.unit);
  const byLength = left.whole.length - right.whole.length;
  if (byLength !== 0) return sign * byLength;
  if (left.whole !== right.whole) return left.whole < right.whole ? -sign : sign;
  if (left.fraction === right.fraction) return 0;
  return left.fraction < right.fraction ? -sign : sign;
}

function compareGeneral(a: Buffer, b: Buffer): number {
  const [left, right] = [a, b].map((key) => Number.parseFloat(key.toString('latin1').trimStart()));
  if (left === undefined || right === undefined) return 0;
  if (Number.isNaN(left) || Number.isNaN(right))
    return Number(Number.isNaN(right)) - Number(Number.isNaN(left));
  return left - right;
}
