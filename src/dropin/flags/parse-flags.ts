import type { AnyFlagRow, FlagTable, ValuesOf } from './flag-row.js';
import { type FlagValue, flagTypes, needsNoValue } from './flag-types.js';
import { goQuote, goQuoteChar } from './go-quote.js';
import type { ParseResult } from './parse-result.js';

export interface ParsedFlags<F extends FlagTable> {
  readonly values: ValuesOf<F>;
  /** Names of the flags on the command line, as the table spells them. */
  readonly given: ReadonlySet<string>;
  /** Words that are not flags, and all words after `--`. */
  readonly args: readonly string[];
  /** Notices about deprecated flags, one for each. */
  readonly notices: readonly string[];
}

/** Reads a command line as pflag does: flags and other words in any order. Of equal flags the last one is used. */
export function parseFlags<F extends FlagTable>(
  table: F,
  argv: readonly string[],
): ParseResult<ParsedFlags<F>> {
  const reader = new FlagReader(table, argv);
  const fault = reader.readAll();
  if (fault !== undefined) return { fault };
  // Each value was read by the rules of its row's type.
  const values = Object.fromEntries(reader.values) as ValuesOf<F>;
  return { value: { values, given: reader.given, args: reader.args, notices: [...reader.notices] } };
}

interface NamedRow {
  readonly name: string;
  readonly row: AnyFlagRow;
}

class FlagReader {
  readonly values: Map<string, FlagValue>;
  readonly given = new Set<string>();
  readonly args: string[] = [];
  readonly notices = new Set<string>();
  private readonly rows: ReadonlyMap<string, NamedRow>;
  private readonly shorthands: ReadonlyMap<string, NamedRow>;
  private readonly rest: string[];

  constructor(table: FlagTable, argv: readonly string[]) {
    const rows = Object.entries(table).map(([name, row]) => ({ name, row }));
    this.rows = new Map(rows.map((named) => [named.name, named]));
    this.shorthands = new Map(rows.map((named) => [named.row.shorthand ?? '', named]));
    this.values = new Map(rows.map(({ name, row }) => [name, row.initial]));
    this.rest = [...argv];
  }

  /** Returns the first fault in pflag's words, or undefined. */
  readAll(): string | undefined {
    for (let word = this.rest.shift(); word !== undefined; word = this.rest.shift()) {
      if (word === '--') {
        this.args.push(...this.rest.splice(0));
        continue;
      }
      const fault = this.readWord(word);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  private readWord(word: string): string | undefined {
    if (word.startsWith('--')) return this.readLong(word);
    if (word.length > 1 && word.startsWith('-')) return this.readShort(word.slice(1));
    this.args.push(word);
    return undefined;
  }

  private readLong(word: string): string | undefined {
    const [, name = '', inline] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === '' || name.startsWith('-')) return `bad flag syntax: ${word}`;
    const found = this.rows.get(name.replaceAll('_', '-'));
    if (found === undefined) return `unknown flag: --${name}`;
    const text = inline ?? this.impliedText(found.row);
    return text === undefined ? `flag needs an argument: --${name}` : this.set(found, text);
  }

  /** Reads `v4`, `v=4`, or `v` with the next word; letters of booleans may be written together. */
  private readShort(letters: string): string | undefined {
    const [letter = ''] = letters;
    const found = this.shorthands.get(letter);
    if (found === undefined) return `unknown shorthand flag: ${goQuoteChar(letter)} in -${letters}`;
    const after = letters.slice(letter.length);
    if (after.length > 1 && after.startsWith('=')) return this.set(found, after.slice(1));
    if (needsNoValue(found.row.type)) {
      const fault = this.set(found, 'true');
      return fault ?? (after === '' ? undefined : this.readShort(after));
    }
    const text = after === '' ? this.rest.shift() : after;
    if (text === undefined) return `flag needs an argument: ${goQuoteChar(letter)} in -${letters}`;
    return this.set(found, text);
  }

  private impliedText(row: AnyFlagRow): string | undefined {
    return needsNoValue(row.type) ? 'true' : this.rest.shift();
  }

  private set({ name, row }: NamedRow, text: string): string | undefined {
    const reading: ParseResult<FlagValue> = flagTypes[row.type].read(text);
    if ('fault' in reading) {
      const spelled = row.shorthand === undefined ? `--${name}` : `-${row.shorthand}, --${name}`;
      return `invalid argument ${goQuote(text)} for ${goQuote(spelled)} flag: ${reading.fault}`;
    }
    const target = row.alias ?? name;
    this.values.set(target, this.joined(target, reading.value));
    this.given.add(name).add(target);
    if (row.deprecated !== undefined) {
      this.notices.add(`Flag --${name} has been deprecated, ${row.deprecated}`);
    }
    return undefined;
  }

  /** Each use of a list flag adds to the list. The first one replaces the default. */
  private joined(name: string, value: FlagValue): FlagValue {
    const before = this.values.get(name);
    const grows = Array.isArray(value) && Array.isArray(before) && this.given.has(name);
    return grows ? [...before, ...value] : value;
  }
}
