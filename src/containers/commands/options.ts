import { CommandFailure } from './limit.js';

export interface Options {
  /** The values of each option by its letter, in order; an option without a value has an empty text. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly operands: readonly string[];
}

export interface OptionTable {
  readonly name: string;
  /** Option letters; one that takes a value is followed by a colon. */
  readonly letters: string;
  /** Long names, and the letter that each means. */
  readonly long?: Readonly<Record<string, string>>;
  /** The exit code for wrong usage; default 1. */
  readonly usageCode?: number;
}

/** As getopt_long: options may come between operands. Throws for an option that is not in the table. */
export function readOptions(table: OptionTable, args: readonly string[]): Options {
  const given = new Map<string, string[]>();
  const operands: string[] = [];
  const queue = [...args];
  const take = (letter: string, glued: string | undefined): void => {
    const value = takesValue(table, letter) ? (glued ?? queue.shift()) : '';
    if (value === undefined) throw usage(table, `option requires an argument -- '${letter}'`);
    given.set(letter, [...(given.get(letter) ?? []), value]);
  };
  for (let arg = queue.shift(); arg !== undefined; arg = queue.shift()) {
    if (arg === '--') operands.push(...queue.splice(0));
    else if (arg.startsWith('--')) takeLong(table, arg, take);
    else if (!arg.startsWith('-') || arg === '-') operands.push(arg);
    else takeCluster(table, arg, take);
  }
  return { given, operands };
}

type Take = (letter: string, glued: string | undefined) => void;

function takeLong(table: OptionTable, arg: string, take: Take): void {
  const [name = '', value] = arg.slice(2).split(/=(.*)/s, 2);
  const letter = table.long?.[name];
  if (letter === undefined) throw usage(table, `unrecognized option '${arg}'`);
  if (value !== undefined && !takesValue(table, letter))
    throw usage(table, `option '--${name}' doesn't allow an argument`);
  take(letter, value);
}

function takeCluster(table: OptionTable, arg: string, take: Take): void {
  for (let at = 1; at < arg.length; at++) {
    const letter = arg[at] ?? '';
    if (letter === ':' || !table.letters.includes(letter))
      throw usage(table, `invalid option -- '${letter}'`);
    const glued = arg.slice(at + 1);
    take(letter, glued === '' ? undefined : glued);
    if (takesValue(table, letter)) return;
  }
}

function takesValue({ letters }: OptionTable, letter: string): boolean {
  return letters[letters.indexOf(letter) + 1] === ':';
}

export function usage({ name, usageCode = 1 }: OptionTable, reason: string): CommandFailure {
  return new CommandFailure(`${reason}\nTry '${name} --help' for more information.`, usageCode);
}
