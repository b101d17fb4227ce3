interface Reader {
  /** Short options that take the next argument. */
  readonly valued?: string;
  /** Operands before the files, such as the pattern of grep. */
  readonly leading?: number;
  /** Options that replace the leading operand. */
  readonly instead?: readonly string[];
  /** Reads standard input whatever its operands are. */
  readonly always?: boolean;
}

/** The shell library's commands that may read standard input, and how to see from their arguments whether they do. */
const readers: Readonly<Record<string, Reader>> = {
  awk: { valued: 'Fvf', leading: 1, instead: ['-f'] },
  cat: {},
  column: { valued: 'cos' },
  egrep: { valued: 'efmABC', leading: 1, instead: ['-e', '-f'] },
  expand: { valued: 't' },
  fgrep: { valued: 'efmABC', leading: 1, instead: ['-e', '-f'] },
  fold: { valued: 'w' },
  grep: { valued: 'efmABC', leading: 1, instead: ['-e', '-f'] },
  gzip: {},
  'html-to-markdown': {},
  jq: { leading: 1, instead: ['-f', '-n'] },
  nl: { valued: 'bdfhilnsvw' },
  rev: {},
  sed: { valued: 'efl', leading: 1, instead: ['-e', '-f'] },
  sha1sum: {},
  sha256sum: {},
  split: { valued: 'abCln' },
  strings: { valued: 'n' },
  tac: {},
  tee: { always: true },
  unexpand: { valued: 't' },
  xan: { leading: 1 },
  xargs: { always: true },
  yq: { leading: 1 },
};

/** Commands that are not in the table read standard input only for an operand `-`. */
const dashReaders: readonly string[] = ['comm', 'diff', 'join', 'paste', 'rg', 'bash', 'sh'];
/** Names of commands whose standard input matters. */
export const stdinReaderNames: readonly string[] = [...Object.keys(readers), ...dashReaders];

export function readsStdin(name: string, args: readonly string[]): boolean {
  if (args.includes('-')) return true;
  if (name === 'sh' || name === 'bash') return args.every((arg) => arg.startsWith('-') && !arg.includes('c'));
  const reader = readers[name];
  if (reader === undefined) return false;
  return reader.always === true || operandCount(reader, args) === 0;
}

/** File operands: what is left without options, their values, and the leading operands. */
function operandCount(reader: Reader, args: readonly string[]): number {
  let leading = reader.leading ?? 0;
  let count = 0;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--') return count + Math.max(0, args.length - at - 1 - leading);
    if (arg.startsWith('-') && arg.length > 1) {
      if (reader.instead?.includes(arg.slice(0, 2)) === true) leading = 0;
      if (arg.length === 2 && reader.valued?.includes(arg[1] ?? '') === true) at++;
    } else if (leading > 0) leading--;
    else count++;
  }
  return count;
}
