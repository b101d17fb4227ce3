import { commandTable } from '../commands/table.js';
import type { CommandNode, PipelineNode, SimpleCommandNode, WordNode } from './bash-library.js';
import { shellCommands } from './devices.js';
import type { ShellLibrary } from './library.js';
import { literalText, quote } from './parse-script.js';

type Redirection = SimpleCommandNode['redirections'][number];

/** Words between the commands of a pipeline that became one command. No argument of a program looks like them. */
export const pipeMarks = {
  /** First word: the output goes to the next command, directly to the shell's own, or into other text. */
  piped: '\u0001piped\u0001',
  direct: '\u0001direct\u0001',
  text: '\u0001text\u0001',
  /** The last word of each command says where its errors go. */
  ends: {
    '\u0001|\u0001': 'shell',
    '\u00012>/dev/null|\u0001': 'nowhere',
    '\u00012>&1|\u0001': 'next',
  } as Readonly<Record<string, 'shell' | 'nowhere' | 'next'>>,
} as const;

/** Commands that need more from the shell than their arguments. */
const shellOnly = new Set([
  ...['echo', 'printf', 'pwd', 'alias', 'unalias', 'history', 'help', 'which', 'time', 'clear'],
  ...['sh', 'bash', 'true', 'false', 'cd', 'read', 'test'],
]);

/** Joins neighbouring programs of a pipeline into one command, so that they run at the same time. */
export class PipeMerger {
  private readonly library: ShellLibrary;
  private readonly programs: ReadonlySet<string>;
  /** Functions and aliases of the script; they may replace programs. */
  private readonly shadows = new Set<string>();

  constructor(library: ShellLibrary) {
    this.library = library;
    const known = [...library.getCommandNames(), ...commandTable.keys()];
    this.programs = new Set(known.filter((name) => !shellOnly.has(name)));
  }

  shadow(name: string): void {
    this.shadows.add(name);
  }

  isShadow(name: string): boolean {
    return this.shadows.has(name);
  }

  merge(pipeline: PipelineNode): void {
    if (pipeline.commands.length < 2 || pipeline.pipeStderr?.includes(true) === true) return;
    const merged: CommandNode[] = [];
    let row: Member[] = [];
    const close = (): void => {
      if (row.length > 1) merged.push(this.one(row));
      else merged.push(...row.map(({ command }) => command));
      row = [];
    };
    for (const command of pipeline.commands) {
      const member = this.member(command);
      if (member === undefined || (row.length > 0 && member.input.length > 0)) close();
      if (member === undefined) merged.push(command);
      else row.push(member);
      if (member !== undefined && member.output.length > 0) close();
    }
    close();
    if (merged.length === pipeline.commands.length) return;
    pipeline.commands = merged;
    delete pipeline.pipeStderr;
  }

  private member(command: CommandNode): Member | undefined {
    if (command.type !== 'SimpleCommand' || command.assignments.length > 0) return undefined;
    const name = literalText(command.name)?.replace(/^(\/usr)?\/bin\//, '');
    if (name === undefined || !this.programs.has(name) || this.shadows.has(name)) return undefined;
    let stderr = 'shell';
    const [input, output]: [Redirection[], Redirection[]] = [[], []];
    for (const redirection of command.redirections) {
      const { fd, operator, target, fdVariable } = redirection;
      const path = target.type === 'Word' ? literalText(target) : undefined;
      if (fdVariable !== undefined) return undefined;
      if (fd === 2 && operator === '>' && path === '/dev/null') stderr = 'nowhere';
      else if (fd === 2 && operator === '>&' && path === '1' && output.length === 0) stderr = 'next';
      else if ((fd === null || fd === 0) && operator.startsWith('<') && operator !== '<>')
        input.push(redirection);
      else if ((fd === null || fd === 1) && (operator === '>' || operator === '>>')) output.push(redirection);
      else return undefined;
    }
    const end = Object.entries(pipeMarks.ends).find(([, way]) => way === stderr)?.[0] ?? '';
    return { command, input, output, end };
  }

  private one(row: readonly Member[]): SimpleCommandNode {
    const [made] = this.library.parse(`${shellCommands.pipe} ${quote(pipeMarks.piped)}`).statements;
    const command = made?.pipelines[0]?.commands[0];
    const [first] = row;
    if (command?.type !== 'SimpleCommand' || first === undefined) throw new Error('a word is not a command');
    for (const { command: member, end } of row)
      command.args.push(...(member.name === null ? [] : [member.name]), ...member.args, this.word(end));
    command.redirections = row.flatMap(({ input, output }) => [...input, ...output]);
    return command;
  }

  word(text: string): WordNode {
    const command = this.library.parse(`: ${quote(text)}`).statements[0]?.pipelines[0]?.commands[0];
    const word = command?.type === 'SimpleCommand' ? command.args[0] : undefined;
    if (word === undefined) throw new Error('a quoted text is not a word');
    return word;
  }
}

interface Member {
  readonly command: SimpleCommandNode;
  readonly input: readonly Redirection[];
  readonly output: readonly Redirection[];
  /** The mark after its words. */
  readonly end: string;
}
