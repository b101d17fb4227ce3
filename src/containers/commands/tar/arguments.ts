import { CommandFailure, SandboxLimit } from '../limit.js';

export interface TarJob {
  readonly kind: 'create' | 'extract' | 'list';
  /** The archive file; `-` is a standard stream. */
  readonly archive: string;
  readonly gzip: boolean;
  readonly verbose: boolean;
  readonly keepTimes: boolean;
  readonly absoluteNames: boolean;
  readonly toStdout: boolean;
  readonly keepOld: boolean;
  readonly stripComponents: number;
  /** The folder to unpack into; undefined for the working directory. */
  readonly folder: string | undefined;
  /** Members to unpack; or files to pack, each with its folder. */
  readonly operands: readonly Operand[];
}

export interface Operand {
  readonly folder: string | undefined;
  readonly name: string;
}

const hint = "\nTry 'tar --help' or 'tar --usage' for more information.";
const letterNames: Readonly<Record<string, string>> = {
  extract: 'x',
  get: 'x',
  create: 'c',
  list: 't',
  file: 'f',
  directory: 'C',
  cd: 'C',
  gzip: 'z',
  gunzip: 'z',
  ungzip: 'z',
  verbose: 'v',
  touch: 'm',
  'to-stdout': 'O',
  'absolute-names': 'P',
  'keep-old-files': 'k',
  'blocking-factor': 'b',
  'strip-components': '#',
  'same-permissions': 'p',
  'preserve-permissions': 'p',
  'no-same-owner': 'p',
  'no-same-permissions': 'p',
  'same-owner': 'p',
  'numeric-owner': 'p',
  overwrite: 'p',
  'no-overwrite-dir': 'p',
  'no-acls': 'p',
  'no-xattrs': 'p',
  'no-selinux': 'p',
};
/** Letters with a value. Those after them have no effect here: all files belong to root, and modes are kept. */
const valued = 'fCb#';
const plain = 'xctzvmOPkpoB';
/** Letters and names of a real tar that the sandbox does not support. */
const notHere = /^[AdruhjJZTXKNLMlWsgGiIUwRS]$/;

/** Parses `tar` arguments, also in the old form (`xzf FILE`). Throws with GNU tar's texts, or a SandboxLimit. */
export function tarJob(args: readonly string[]): TarJob {
  const options = new Map<string, string>();
  const operands: Operand[] = [];
  let folder: string | undefined;
  const queue = spread(args);
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word.kind === 'operand') operands.push({ folder, name: word.text });
    else if (word.letter === 'C') folder = folder === undefined ? word.value : inside(folder, word.value);
    else options.set(word.letter, word.value);
  }
  const modes = (['c', 'x', 't'] as const).filter((mode) => options.has(mode));
  const [mode] = modes;
  if (mode === undefined)
    throw failure(`You must specify one of the '-Acdtrux', '--delete' or '--test-label' options${hint}`);
  if (modes.length > 1)
    throw failure(
      `You may not specify more than one '-Acdtrux', '--delete' or  '--test-label' option${hint}`,
    );
  if (mode === 'c' && operands.length === 0)
    throw failure(`Cowardly refusing to create an empty archive${hint}`);
  const strip = options.get('#') ?? '0';
  if (!/^\d+$/.test(strip)) throw failure(`'${strip}': Invalid number of elements`);
  return {
    kind: { c: 'create', x: 'extract', t: 'list' }[mode] as TarJob['kind'],
    archive: options.get('f') ?? '-',
    gzip: options.has('z'),
    verbose: options.has('v'),
    keepTimes: !options.has('m'),
    absoluteNames: options.has('P'),
    toStdout: options.has('O'),
    keepOld: options.has('k'),
    stripComponents: Number(strip),
    folder,
    operands,
  };
}

function failure(text: string, exitCode = 2): CommandFailure {
  return new CommandFailure(text, exitCode);
}

const inside = (folder: string, next: string): string => (next.startsWith('/') ? next : `${folder}/${next}`);

type Word =
  | { readonly kind: 'operand'; readonly text: string }
  | { readonly kind: 'option'; readonly letter: string; readonly value: string };

/** Options and operands in order. The letters of an old first word take their values from the words after it. */
function spread([first = '', ...rest]: readonly string[]): Word[] {
  const words: Word[] = [];
  const queue =
    first.startsWith('-') || first === '' ? [first, ...rest].filter((arg) => arg !== '') : [...rest];
  const take = (letter: string, glued: string | undefined): void => {
    if (notHere.test(letter)) throw new SandboxLimit(`the option -${letter}`);
    if (!valued.includes(letter) && !plain.includes(letter))
      throw failure(`invalid option -- '${letter}'${hint}`, 64);
    const value = valued.includes(letter) ? (glued ?? queue.shift()) : '';
    if (value === undefined) throw failure(`option requires an argument -- '${letter}'${hint}`, 64);
    words.push({ kind: 'option', letter, value });
  };
  if (first !== '' && !first.startsWith('-')) for (const letter of first) take(letter, undefined);
  for (let arg = queue.shift(); arg !== undefined; arg = queue.shift()) {
    if (arg === '--') words.push(...queue.splice(0).map((text): Word => ({ kind: 'operand', text })));
    else if (arg.startsWith('--')) takeLong(arg, take);
    else if (!arg.startsWith('-') || arg === '-') words.push({ kind: 'operand', text: arg });
    else takeCluster(arg, take);
  }
  return words;
}

function takeLong(arg: string, take: (letter: string, glued: string | undefined) => void): void {
  const [name = '', value] = arg.slice(2).split(/=(.*)/s, 2);
  if (name === 'warning') return;
  const letter = letterNames[name];
  if (letter === undefined) throw new SandboxLimit(`the option --${name}`);
  take(letter, value);
}

function takeCluster(arg: string, take: (letter: string, glued: string | undefined) => void): void {
  for (let at = 1; at < arg.length; at++) {
    const letter = arg[at] ?? '';
    const glued = arg.slice(at + 1);
    take(letter, glued === '' ? undefined : glued);
    if (valued.includes(letter)) return;
  }
}
