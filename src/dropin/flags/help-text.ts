import type { AnyFlagRow, FlagGroup } from './flag-row.js';
import { flagTypes } from './flag-types.js';

const width = 100;
const indent = 38;

export interface ProgramGuide {
  readonly name: string;
  /** What the program does, one or two sentences. */
  readonly summary: string;
  readonly groups: readonly FlagGroup[];
}

/** The text of `--help`: flags by group, each with its type, its default and its effect. */
export function helpText({ name, summary, groups }: ProgramGuide): string {
  const head = [...wrap(summary, width), '', 'Usage:', `  ${name} [flags]`];
  const sections = groups.map(({ title, flags }) => {
    const shown = Object.entries(flags).filter(([, row]) => row.deprecated === undefined);
    return ['', `${title}:`, ...shown.flatMap(([flagName, row]) => flagLines(flagName, row))];
  });
  return `${[...head, ...sections.flat(), ...variableLines].join('\n')}\n`;
}

/** What has no flag, as the flags are Konnectivity's. */
const variableLines = [
  '',
  'Environment:',
  '  KONNSIM_AS=ideal                    Tells each failure, and soon. Else as the newest releases do.',
  '  KONNSIM_FAITHFUL=NAME,NAME          More faults of the original, by name (docs/faithful.md).',
];

function flagLines(name: string, row: AnyFlagRow): string[] {
  const shorthand = row.shorthand === undefined ? '    ' : `-${row.shorthand}, `;
  const left = `  ${shorthand}--${name} ${flagTypes[row.type].label}`.trimEnd();
  const right = wrap([row.help, ...remarks(row)].join(' '), width - indent);
  const lines = right.map((line) => `${' '.repeat(indent)}${line}`);
  const [first = '', ...others] = lines;
  // A name that is too long has its own line.
  if (left.length > indent - 2) return [left, ...lines];
  return [`${left}${first.slice(left.length)}`, ...others];
}

function remarks(row: AnyFlagRow): string[] {
  const initial = row.initially ?? initialText(row);
  return [
    initial === '' ? '' : `(default ${initial})`,
    row.since === 'v0.28' ? '' : row.since === 'next' ? '[after v0.36]' : `[since ${row.since}]`,
    row.ignored === undefined ? '' : `[no effect: ${row.ignored}]`,
  ].filter((remark) => remark !== '');
}

function initialText(row: AnyFlagRow): string {
  // The functions of a type take values of that type. The compiler cannot see that row and functions belong together.
  const text = flagTypes[row.type].text as (value: AnyFlagRow['initial']) => string;
  return text(row.initial);
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columns)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
