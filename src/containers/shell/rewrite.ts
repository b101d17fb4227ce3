import { commandTable } from '../commands/table.js';
import type { CommandNode, PipelineNode, SimpleCommandNode, StatementNode } from './bash-library.js';
import { shellCommands, shellDevices } from './devices.js';
import type { ShellLibrary } from './library.js';
import { literalText } from './parse-script.js';
import { holdInput, isCompound, isInput, takeInputs } from './rewrite-input.js';
import { PipeMerger, pipeMarks } from './rewrite-pipes.js';

/** Set for a command whose output goes only to the shell's own output, so that it may stream. */
export const directVariable = '__konnsim_direct';
/** Set for a command whose output the library joins with other text, so that it must be text. */
export const textVariable = '__konnsim_text';
/** What the test of the input returns at its end. */
export const atEnd = 2;

/** Names that change the flow of the shell itself; a redirection could prevent that. */
const flowNames = new Set(['break', 'continue', 'return', 'exit', 'exec']);
const lineReaders = new Map<string, string>([
  ['read', shellDevices.line],
  ['mapfile', shellDevices.stdin],
  ['readarray', shellDevices.stdin],
]);

/**
 * Changes parsed scripts so that the interpreter streams, although it collects output and input whole. Each command
 * that writes to the shell's output hands its bytes over when it ends; loops give the event loop a turn; and `read`
 * takes one line from the client when its input is the client's.
 */
export class Rewriter {
  private readonly library: ShellLibrary;
  private readonly merger: PipeMerger;
  private holds = 0;

  constructor(library: ShellLibrary) {
    this.library = library;
    this.merger = new PipeMerger(library);
  }

  /** For every script, at any depth: loops give turns, `read` reads lines, `exit` announces itself, pipes stream. */
  prepare(statements: readonly StatementNode[], traced = false): void {
    let merges = !traced;
    eachPipeline(statements, ({ commands }) => {
      for (const command of commands) merges &&= !this.shadows(command);
    });
    eachPipeline(statements, (pipeline) => {
      if (merges) this.merger.merge(pipeline);
      this.markText(pipeline.commands.at(-1));
      pipeline.commands = pipeline.commands.map((command, index) =>
        this.shareInput(command, index > 0, traced),
      );
    });
  }

  /** For the statements of the shell itself: outputs go to its devices, one command at a time. */
  stream(statements: readonly StatementNode[]): StatementNode[] {
    for (const statement of statements) this.streamStatement(statement);
    return statements.map((statement) => {
      const [group] = this.parse(`{ :; } >>${shellDevices.stdout} 2>>${shellDevices.stderr}`);
      const command = group?.pipelines[0]?.commands[0];
      if (group === undefined || command?.type !== 'Group') return statement;
      command.body = [statement];
      return group;
    });
  }

  /** Whether a statement redirects the shell's own outputs from here on (`exec >file`). */
  redirectsShell(statements: readonly StatementNode[]): boolean {
    let found = false;
    eachPipeline(statements, (pipeline) => {
      found ||= pipeline.commands.some(
        (command) =>
          command.type === 'SimpleCommand' &&
          literalText(command.name) === 'exec' &&
          command.args.length === 0 &&
          command.redirections.length > 0,
      );
    });
    return found;
  }

  /** Remembers functions and aliases. True for options that show each command as it runs. */
  private shadows(command: CommandNode): boolean {
    if (command.type === 'FunctionDef') this.merger.shadow(command.name);
    if (command.type !== 'SimpleCommand') return false;
    const words = command.args.map((arg) => literalText(arg) ?? '');
    const name = literalText(command.name);
    if (name === 'alias') for (const word of words) this.merger.shadow(word.replace(/=.*/s, ''));
    if (name !== 'set') return JSON.stringify(command).includes('PIPESTATUS');
    return words.some((word) => /^-[a-z]*x|^xtrace$/.test(word));
  }

  private parse(text: string): StatementNode[] {
    return this.library.parse(text).statements;
  }

  private redirections(text: string): SimpleCommandNode['redirections'] {
    const command = this.parse(`: ${text}`)[0]?.pipelines[0]?.commands[0];
    return command?.type === 'SimpleCommand' ? command.redirections : [];
  }

  /** A group, a function or `read` with its own input: the commands inside share that input. */
  private shareInput(command: CommandNode, piped: boolean, traced: boolean): CommandNode {
    const name = command.type === 'SimpleCommand' ? literalText(command.name) : undefined;
    const shares =
      isCompound(command) || (name !== undefined && (lineReaders.has(name) || this.merger.isShadow(name)));
    if (!shares || choosesDescriptor(command)) return this.prepareCommand(command, traced);
    const inputs = takeInputs(command);
    const prepared = this.prepareCommand(command, traced);
    if (!piped && inputs.length === 0) return prepared;
    this.holds += 1;
    return holdInput(prepared, { inputs, number: this.holds, parse: (text) => this.parse(text) });
  }

  /** Until it is known where its output goes, the last command of a pipeline must write text. */
  private markText(command: CommandNode | undefined): void {
    if (command?.type !== 'SimpleCommand' || !command.redirections.every(isInput)) return;
    const name = literalText(command.name) ?? '';
    if (name === shellCommands.pipe) command.args[0] = this.merger.word(pipeMarks.text);
    else if (commandTable.has(name) || name === 'printf') this.mark(command, textVariable);
  }

  private prepareCommand(command: CommandNode, traced: boolean): CommandNode {
    switch (command.type) {
      case 'For':
      case 'CStyleFor':
      case 'While':
      case 'Until':
        command.body.unshift(...this.parse(`: <${shellDevices.turn}`));
        return command;
      case 'FunctionDef':
        if ('body' in command.body) command.body.body.unshift(...this.parse(`: <${shellDevices.turn}`));
        return command;
      case 'SimpleCommand':
        return this.prepareSimple(command, traced);
      default:
        return command;
    }
  }

  private prepareSimple(command: SimpleCommandNode, traced: boolean): CommandNode {
    const name = literalText(command.name) ?? '';
    if (name === 'exit') command.redirections.push(...this.redirections(`<${shellDevices.exit}`));
    if (
      name === 'printf' &&
      !traced &&
      !this.merger.isShadow(name) &&
      literalText(command.args[0] ?? null) !== '-v'
    )
      command.name = this.merger.word(shellCommands.printf);
    const device = lineReaders.get(name);
    const choosesInput = command.redirections.some(({ operator }) => operator.startsWith('<'));
    if (device === undefined || choosesInput || choosesDescriptor(command)) return command;
    return this.readerOf(command, device) ?? command;
  }

  /** At the stream's end the library would read its mark as a line: so it gets an empty line, and an end's status. */
  private readerOf(command: SimpleCommandNode, device: string): CommandNode | undefined {
    const test = `[ $? -eq ${atEnd} ]`;
    const [choice] = this.parse(
      `if ${shellCommands.ownsStdin}; then :; elif ${test}; then :; false; else :; fi`,
    );
    const node = choice?.pipelines[0]?.commands[0];
    if (node?.type !== 'If') return undefined;
    const [taken, ended, other] = [node.clauses[0]?.body, node.clauses[1]?.body, node.elseBody].map(
      (body) => body?.[0]?.pipelines[0],
    );
    if (taken === undefined || ended === undefined || other === undefined) return undefined;
    const from = (text: string): SimpleCommandNode => ({
      ...command,
      redirections: [...command.redirections, ...this.redirections(text)],
    });
    taken.commands = [from(`<${device}`)];
    if (device === shellDevices.line) ended.commands = [from("<<<''")];
    other.commands = [command];
    return node;
  }

  private streamStatement(statement: StatementNode): void {
    for (const pipeline of statement.pipelines) {
      const last = pipeline.commands.length - 1;
      pipeline.commands.forEach((command, index) => {
        if (index === last) this.streamCommand(command, last === 0);
        else if (pipeline.pipeStderr?.[index] !== true) this.addOutputs(command, `2>>${shellDevices.stderr}`);
      });
    }
  }

  private streamCommand(command: CommandNode, alone: boolean): void {
    switch (command.type) {
      case 'SimpleCommand':
        return this.streamSimple(command, alone);
      case 'If':
        if (!command.redirections.every(isInput)) break;
        for (const clause of command.clauses) this.streamAll([...clause.condition, ...clause.body]);
        return this.streamAll(command.elseBody ?? []);
      case 'Case':
        if (!command.redirections.every(isInput)) break;
        return this.streamAll(command.items.flatMap((item) => item.body));
      case 'While':
      case 'Until':
        if (!command.redirections.every(isInput)) break;
        return this.streamAll([...command.condition, ...command.body]);
      case 'For':
      case 'CStyleFor':
      case 'Group':
      case 'Subshell':
        return this.streamBody(command);
      case 'ArithmeticCommand':
      case 'ConditionalCommand':
      case 'FunctionDef':
        return;
    }
    this.addOutputs(command, bothOutputs);
  }

  private streamBody(command: Extract<CommandNode, { body: StatementNode[] }>): void {
    if (command.redirections.every(isInput)) this.streamAll(command.body);
    else this.addOutputs(command, bothOutputs);
  }

  private streamAll(statements: readonly StatementNode[]): void {
    for (const statement of statements) this.streamStatement(statement);
  }

  private streamSimple(command: SimpleCommandNode, alone: boolean): void {
    const name = literalText(command.name);
    command.assignments = command.assignments.filter((one) => one.name !== textVariable);
    if (name === shellCommands.pipe) {
      const direct = alone && command.redirections.length === 0;
      command.args[0] = this.merger.word(direct ? pipeMarks.direct : pipeMarks.piped);
    }
    if (command.name === null || (name !== undefined && flowNames.has(name))) return;
    // A substitution would inherit the mark, but its output must become words.
    const plain = alone && command.redirections.length === 0 && !substitutes(command);
    if (plain && name !== undefined && commandTable.has(name)) this.mark(command, directVariable);
    this.addOutputs(command, bothOutputs);
  }

  private mark(command: SimpleCommandNode, variable: string): void {
    const marked = this.parse(`${variable}=1 :`)[0]?.pipelines[0]?.commands[0];
    if (marked?.type === 'SimpleCommand') command.assignments.push(...marked.assignments);
  }

  /** Before the command's own redirections, so that those win. */
  private addOutputs(command: CommandNode, text: string): void {
    command.redirections.unshift(...this.redirections(text));
  }
}

const bothOutputs = `>>${shellDevices.stdout} 2>>${shellDevices.stderr}`;

/** `read -u 3` and the like. */
function choosesDescriptor(command: CommandNode): boolean {
  return (
    command.type === 'SimpleCommand' &&
    command.args.some((arg) => literalText(arg)?.startsWith('-u') === true)
  );
}

/** Whether its words or assignments run commands. */
function substitutes({ args, assignments }: SimpleCommandNode): boolean {
  let found = false;
  eachPipeline([args, assignments], () => {
    found = true;
  });
  return found;
}

function eachPipeline(node: unknown, visit: (pipeline: PipelineNode) => void): void {
  if (typeof node !== 'object' || node === null) return;
  for (const child of Object.values(node)) eachPipeline(child, visit);
  if ('type' in node && node.type === 'Pipeline') visit(node as PipelineNode);
}
