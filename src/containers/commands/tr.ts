import { anyArgs, type Command } from './command.js';
import { CommandFailure } from './limit.js';
import { readOptions, usage } from './options.js';

const table = {
  name: 'tr',
  letters: 'cCdst',
  long: { complement: 'c', delete: 'd', 'squeeze-repeats': 's', 'truncate-set1': 't' },
};

/** `tr` over bytes, as GNU's is. */
export const tr: Command = {
  accepts: anyArgs,
  async run(process) {
    const { given, operands } = readOptions(table, process.args);
    const change = changeOf(new Set(given.keys()), operands);
    for (let chunk = await process.stdin.next(); chunk !== undefined; chunk = await process.stdin.next()) {
      if (process.signal.aborted) break;
      await process.stdout.write(change(chunk));
    }
    return 0;
  },
};

function changeOf(
  letters: ReadonlySet<string>,
  [first, second, extra]: readonly string[],
): (chunk: Uint8Array) => Uint8Array {
  const deletes = letters.has('d');
  const squeezes = letters.has('s');
  if (first === undefined) throw usage(table, 'missing operand');
  const needsSecond = deletes ? squeezes : !squeezes;
  if (needsSecond && second === undefined) throw usage(table, `missing operand after '${first}'`);
  if (extra !== undefined || (deletes && !squeezes && second !== undefined))
    throw usage(table, `extra operand '${extra ?? second}'`);
  const given = parseSet(first, 0);
  const set = letters.has('c') || letters.has('C') ? others(given) : given;
  const target = second === undefined ? undefined : parseSet(second, set.length);
  if (deletes) return passThrough({ drop: set, squeeze: squeezes ? (target ?? []) : [] });
  if (target === undefined) return passThrough({ squeeze: set });
  checkClasses(first, second ?? '');
  if (target.length === 0) throw new CommandFailure('when not truncating set1, string2 must be non-empty');
  const map = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const length = letters.has('t') ? Math.min(set.length, target.length) : set.length;
  for (let at = 0; at < length; at++) map[set[at] ?? 0] = target[Math.min(at, target.length - 1)] ?? 0;
  return passThrough({ map, squeeze: squeezes ? target : [] });
}

interface Change {
  readonly map?: Uint8Array;
  readonly drop?: readonly number[];
  readonly squeeze: readonly number[];
}

function passThrough({ map, drop = [], squeeze }: Change): (chunk: Uint8Array) => Uint8Array {
  const dropped = new Set(drop);
  const squeezed = new Set(squeeze);
  let last = -1;
  return (chunk) => {
    const out = Buffer.allocUnsafe(chunk.length);
    let length = 0;
    for (const byte of chunk) {
      if (dropped.has(byte)) continue;
      const changed = map?.[byte] ?? byte;
      if (changed === last && squeezed.has(changed)) continue;
      last = changed;
      out[length++] = changed;
    }
    return out.subarray(0, length);
  };
}

const others = (set: readonly number[]): number[] =>
  Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !set.includes(byte));

const classes: Readonly<Record<string, RegExp>> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  blank: /[\t ]/,
  cntrl: /[\0-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t-\r ]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
};
const escapes: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92 };
const token =
  /\[:(\w*):\]|\[=([^])=\]|\[(\\[0-7]{1,3}|\\[^]|[^\\])\*(\d*)\]|(\\[0-7]{1,3}|\\[^]|[^])(?:-(\\[0-7]{1,3}|\\[^]|[^]))?/gy;

/** The bytes of a set, in order; `[x*]` makes it as long as `length`. */
function parseSet(text: string, length: number): number[] {
  const bytes: number[] = [];
  let fill: { readonly at: number; readonly byte: number } | undefined;
  for (const match of Buffer.from(text).toString('latin1').matchAll(token)) {
    const [, name, equal, repeated, times, from = '', to] = match;
    if (name !== undefined) bytes.push(...classBytes(name));
    else if (equal !== undefined) bytes.push(equal.charCodeAt(0));
    else if (repeated !== undefined) {
      const count = Number.parseInt(times ?? '', times?.startsWith('0') === true ? 8 : 10) || 0;
      if (count === 0) fill = { at: bytes.length, byte: byteOf(repeated) };
      else bytes.push(...Array.from({ length: Math.min(count, 65_536) }, () => byteOf(repeated)));
    } else bytes.push(...range(from, to));
  }
  if (fill !== undefined) {
    const missing = Math.max(0, length - bytes.length);
    bytes.splice(fill.at, 0, ...Array.from({ length: missing }, () => fill?.byte ?? 0));
  }
  return bytes;
}

/** A class in the second set needs one at its place in the first: only upper and lower case are changed. */
function checkClasses(first: string, second: string): void {
  const cases = classPlaces(first);
  for (const [at, name] of classPlaces(second)) {
    if (name !== 'lower' && name !== 'upper')
      throw new CommandFailure(
        "when translating, the only character classes that may appear in\nstring2 are 'upper' and 'lower'",
      );
    if (!['lower', 'upper'].includes(cases.get(at) ?? ''))
      throw new CommandFailure('misaligned [:upper:] and/or [:lower:] construct');
  }
}

function classPlaces(text: string): Map<number, string> {
  const places = new Map<number, string>();
  for (const match of text.matchAll(/\[:(\w*):\]/g))
    places.set(parseSet(text.slice(0, match.index), 0).length, match[1] ?? '');
  return places;
}

function classBytes(name: string): number[] {
  const pattern = classes[name];
  if (pattern === undefined) throw new CommandFailure(`invalid character class '${name}'`);
  return Array.from({ length: 256 }, (_, byte) => byte).filter((byte) =>
    pattern.test(String.fromCharCode(byte)),
  );
}

function range(from: string, to: string | undefined): number[] {
  const first = byteOf(from);
  if (to === undefined) return [first];
  const last = byteOf(to);
  if (last < first)
    throw new CommandFailure(`range-endpoints of '${from}-${to}' are in reverse collating sequence order`);
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

function byteOf(text: string): number {
  if (!text.startsWith('\\') || text.length === 1) return text.charCodeAt(0);
  if (/^\\[0-7]/.test(text)) return Number.parseInt(text.slice(1), 8) & 0xff;
  return escapes[text[1] ?? ''] ?? text.charCodeAt(1);
}
