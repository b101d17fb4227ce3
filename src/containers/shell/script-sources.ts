import { posix } from 'node:path';
import { type ByteSink, writeText } from '../io/byte-sink.js';
import type { Input } from '../io/byte-source.js';
import type { Terminal } from '../io/terminal.js';
import type { StatementNode } from './bash-library.js';
import type { ShellLibrary } from './library.js';
import { parseScript, quote } from './parse-script.js';
import type { ScriptSource, ShellPlace } from './session.js';

const syntaxErrorStatus = 2;

/** A script that is known completely at the start (`sh -c`). */
export function textSource(library: ShellLibrary, text: string, stderr: ByteSink): ScriptSource {
  let done = false;
  return {
    async next(place) {
      if (done) return undefined;
      done = true;
      const parsed = parseScript(library, text);
      if (parsed.kind === 'statements') return parsed.statements;
      await writeText(stderr, `sh: ${parsed.message}\n`);
      place.status = syntaxErrorStatus;
      return undefined;
    },
  };
}

export interface LineSourceOptions {
  readonly library: ShellLibrary;
  /** Shared with the running commands: they read on where the shell has stopped. */
  readonly input: Input;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
  /** Used for prompts; after a syntax error the shell continues. */
  readonly terminal?: Terminal;
}

/** Lines as they arrive: a statement runs as soon as it is complete. */
export class LineSource implements ScriptSource {
  private readonly options: LineSourceOptions;
  private text = '';
  private needs: RegExp | undefined;

  constructor(options: LineSourceOptions) {
    this.options = options;
  }

  /** Drops the lines of an incomplete statement. */
  reset(): void {
    this.text = '';
    this.needs = undefined;
  }

  async next(place: ShellPlace): Promise<readonly StatementNode[] | undefined> {
    this.reset();
    for (;;) {
      const line = await this.readLine(place);
      if (line === undefined) return this.end(place);
      this.text += line;
      // Parsing starts again each time, so a line that cannot complete the statement is not parsed.
      if (this.needs?.test(line) === false) continue;
      const parsed = parseScript(this.options.library, this.text);
      this.needs = parsed.kind === 'incomplete' ? parsed.needs : undefined;
      if (parsed.kind === 'incomplete') continue;
      if (parsed.kind === 'statements' && parsed.statements.length > 0) return parsed.statements;
      if (parsed.kind === 'error' && !(await this.goesOnAfter(parsed.message, place))) return undefined;
      this.text = '';
    }
  }

  private async readLine(place: ShellPlace): Promise<string | undefined> {
    const { terminal, input, stdout } = this.options;
    if (terminal !== undefined) await writeText(stdout, this.text === '' ? prompt(place) : '> ');
    if (terminal !== undefined) terminal.recalls = true;
    const line = await input.line();
    if (terminal !== undefined) terminal.recalls = false;
    return line?.toString('utf8');
  }

  private async end(place: ShellPlace): Promise<undefined> {
    const { terminal, stdout, stderr } = this.options;
    if (this.text.trim() !== '') {
      await writeText(stderr, 'sh: syntax error: unexpected end of file\n');
      place.status = syntaxErrorStatus;
    } else if (terminal !== undefined) await writeText(stdout, '\n').catch(() => undefined);
    return undefined;
  }

  private async goesOnAfter(message: string, place: ShellPlace): Promise<boolean> {
    await writeText(this.options.stderr, `sh: ${message}\n`);
    place.status = syntaxErrorStatus;
    return this.options.terminal !== undefined;
  }
}

function prompt({ cwd, env }: ShellPlace): string {
  const home = env['HOME'] ?? '';
  const inHome = home !== '' && home !== '/' && (cwd === home || cwd.startsWith(`${home}/`));
  return `${inHome ? posix.join('~', posix.relative(home, cwd)) : cwd} # `;
}

export interface ShellArguments {
  /** Option letters that are set from the start, such as `e` and `x`. */
  readonly set: string;
  readonly mode:
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'input' };
  /** $1, $2 … */
  readonly positional: readonly string[];
}

/** Parses `sh [-eux…] [-c TEXT [NAME]] [FILE] [ARG…]`. */
export function parseShellArguments(args: readonly string[]): ShellArguments {
  let at = 0;
  let letters = '';
  for (; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (!/^-[a-z]+$/i.test(arg)) break;
    letters += arg.slice(1);
  }
  if (args[at] === '--' || args[at] === '-') at++;
  const [first, ...rest] = args.slice(at);
  const set = [...letters].filter((letter) => 'euxf'.includes(letter)).join('');
  if (letters.includes('c'))
    return { set, mode: { kind: 'text', text: first ?? '' }, positional: rest.slice(1) };
  if (first === undefined || letters.includes('s'))
    return { set, mode: { kind: 'input' }, positional: args.slice(at) };
  return { set, mode: { kind: 'file', path: first }, positional: rest };
}

/** Statements that give a shell its options and its positional parameters. */
export function preamble({ set, positional }: ShellArguments): string {
  const options = set === '' ? '' : `set -${set}\n`;
  return positional.length === 0 ? options : `${options}set -- ${positional.map(quote).join(' ')}\n`;
}
