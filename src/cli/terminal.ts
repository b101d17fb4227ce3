import { styleText } from 'node:util';
import { TunnelError } from '../core/errors.js';

type Style = Parameters<typeof styleText>[0];

/** Where a command writes: data to stdout, messages to stderr. */
export interface Terminal {
  /** True when people look at stdout and nobody asked for plain text (NO_COLOR, --no-color). */
  readonly colour: boolean;
  /** A line of data. */
  data(line: string): void;
  /** A line for people. */
  say(line: string): void;
  /** Styles text for people; plain text where there is no colour. */
  style(style: Style, text: string): string;
}

export function createTerminal(colourWanted = true): Terminal {
  const colour = colourWanted && (process.env['NO_COLOR'] ?? '') === '' && process.stdout.isTTY === true;
  return {
    colour,
    data: (line) => void process.stdout.write(`${line}\n`),
    say: (line) => void process.stderr.write(`${line}\n`),
    style: (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text),
  };
}

/** What a user sees of a failure: one line that says what, where and which code, and one that says what to do. */
export function errorLines(caught: unknown): string {
  const error = TunnelError.from(caught);
  const where = error.where === undefined ? '' : ` (at ${error.where})`;
  const lines = [`error: ${error.message}${where} [${error.code}]`, `hint: ${error.hint}`];
  if (error.audience === 'bug' && error.stack !== undefined && process.env['KONNSIM_DEBUG'])
    lines.push(error.stack);
  return lines.join('\n');
}
