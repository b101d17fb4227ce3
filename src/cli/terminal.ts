import { styleText } from 'node:util';
import { TunnelError } from '../core/errors.js';
import { printable } from '../observe/event-text.js';
import { explainOpenFiles } from './open-files.js';

/** The output of a command: data to stdout, messages to stderr. */
export interface Terminal {
  /** True when stdout is a terminal and plain text was not asked for (NO_COLOR, --no-color). */
  readonly colour: boolean;
  /** A line of data. */
  readonly data: (line: string) => void;
  /** A line for people. */
  readonly say: (line: string) => void;
  /** Styles a text. Without colour it stays plain. */
  style(style: Parameters<typeof styleText>[0], text: string): string;
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

/** How many bytes may wait for a slow reader of stdout. */
const maxWaitingBytes = 1024 * 1024;

/** Prints lines of events as fast as stdout is read, and prints how many lines were dropped. */
export function createEventPrinter(): (line: string) => void {
  let missed = 0;
  return (line) => {
    if (process.stdout.writableLength > maxWaitingBytes) {
      missed += 1;
      return;
    }
    const gap = missed === 0 ? '' : `(${missed} events were not printed: stdout is read too slowly)\n`;
    missed = 0;
    process.stdout.write(`${gap}${line}\n`);
  };
}

/** A failure as a user sees it: one line with text, place and code, and one line that says what to do. */
export function errorLines(caught: unknown): string {
  const error = TunnelError.from(explainOpenFiles(caught));
  const message = printable(error.message);
  const told = error.where === undefined || message.includes(error.where);
  const lines = [
    `error: ${message}${told ? '' : ` (at ${error.where})`} [${error.code}]`,
    `hint: ${error.hint}`,
  ];
  if (error.audience === 'bug' && error.stack !== undefined && process.env['KONNSIM_DEBUG'])
    lines.push(error.stack);
  return lines.join('\n');
}
