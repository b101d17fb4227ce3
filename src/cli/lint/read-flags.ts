import { checked } from '../../dropin/command-line.js';
import type { FlagTable, ValuesOf } from '../../dropin/flags/flag-row.js';
import { needsNoValue } from '../../dropin/flags/flag-types.js';
import { parseFlags } from '../../dropin/flags/parse-flags.js';
import type { Word } from './words.js';

/** A flag of a command line: its name in the table, or as it is written when the table does not have it. */
export interface GivenFlag {
  readonly name: string;
  readonly line: number;
  /** As it is written, with its value. */
  readonly text: string;
}

export interface FlagFault extends GivenFlag {
  readonly kind: 'unknown' | 'invalid';
  /** In the words of the real program. */
  readonly fault: string;
}

export interface FlagReading<V> {
  /** Values that are not known are the defaults; texts keep their `$(NAME)`. */
  readonly values: V;
  readonly given: ReadonlyMap<string, GivenFlag>;
  /** Names of flags whose value, or a part of it, stands in a variable. */
  readonly unknown: ReadonlySet<string>;
  readonly faults: readonly FlagFault[];
  /** Flags that are given again, with another value. The last one counts. */
  readonly repeated: readonly GivenFlag[];
  /** Words that belong to no flag. */
  readonly strays: readonly Word[];
}

type Environment = ReadonlyMap<string, string | undefined>;

/** Reads a command line as the real program does, but to its end: each flag that cannot be read is a fault. */
export function readFlags<F extends FlagTable>(
  table: F,
  words: readonly Word[],
  environment: Environment,
): FlagReading<ValuesOf<F>> {
  const given = new Map<string, GivenFlag>();
  const unknown = new Set<string>();
  const faults: FlagFault[] = [];
  const repeated: GivenFlag[] = [];
  const strays: Word[] = [];
  const good: string[] = [];
  for (const { name, line, words: parts } of unitsOf(table, words)) {
    const texts = parts.map((text) => expanded(text, environment));
    const flag = { name: name ?? '', line, text: parts.join(' ') };
    const type = name === undefined ? undefined : table[name]?.type;
    const isText = type === 'string' || type === 'list';
    const isUnknown = type !== undefined && texts.some(hasReference);
    const fault = name === undefined || (isUnknown && !isText) ? undefined : faultOf(table, texts);
    if (name === undefined) strays.push({ text: flag.text, line });
    else if (fault !== undefined) faults.push({ ...flag, ...fault });
    else {
      const before = given.get(name);
      if (before !== undefined && before.text !== flag.text && type !== 'list') repeated.push(flag);
      given.set(name, flag);
      if (isUnknown) unknown.add(name);
      else unknown.delete(name);
      if (!isUnknown || isText) good.push(...texts);
    }
  }
  const { values } = checked(parseFlags(table, good));
  return { values, given, unknown, faults, repeated, strays };
}

/** True for a text with a variable, or with a place that a template fills. */
export function hasReference(text: string): boolean {
  return /\$[({A-Za-z_]|\{\{/.test(text);
}

/** Puts in the values of variables that the manifest itself has. */
function expanded(text: string, environment: Environment): string {
  return text.replaceAll(/\$\(([\w.-]+)\)/g, (whole, name: string) => environment.get(name) ?? whole);
}

function faultOf(table: FlagTable, texts: readonly string[]): Pick<FlagFault, 'kind' | 'fault'> | undefined {
  const [, name = ''] = /^--([^=]*_[^=]*)/.exec(texts[0] ?? '') ?? [];
  // Ours takes it. The real programs have klog's flags with `-` only.
  if (name !== '') return { kind: 'unknown', fault: `unknown flag: --${name}` };
  const read = parseFlags(table, texts);
  if (!('fault' in read)) return undefined;
  const kind = read.fault.startsWith('unknown') ? 'unknown' : 'invalid';
  return { kind, fault: read.fault };
}

interface Unit {
  /** Undefined for a word that is not a flag. */
  readonly name: string | undefined;
  readonly line: number;
  readonly words: readonly string[];
}

/** Each flag with its value, which may be the next word. */
function unitsOf(table: FlagTable, words: readonly Word[]): Unit[] {
  const units: Unit[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const { text, line } = word;
    const name = nameOf(table, text);
    const row = name === undefined ? undefined : table[name];
    const hasValue = text.startsWith('--') ? text.includes('=') : text.length > 2;
    const value = row === undefined || hasValue || needsNoValue(row.type) ? undefined : rest.shift();
    units.push({ name, line, words: value === undefined ? [text] : [text, value.text] });
  }
  return units;
}

function nameOf(table: FlagTable, text: string): string | undefined {
  const long = /^--([^=]+)/.exec(text)?.[1];
  if (long !== undefined) return long.replaceAll('_', '-');
  if (!/^-./s.test(text)) return undefined;
  return Object.keys(table).find((name) => table[name]?.shorthand === text[1]) ?? text;
}
