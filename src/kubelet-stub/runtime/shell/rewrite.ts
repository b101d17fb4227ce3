import type { CommandNode, PipelineNode, SimpleCommandNode, StatementNode, WordNode } from 'just-bash';
import { commandTable } from '../commands/table.js';
import { shellCommands, shellDevices } from './devices.js';
import type { ShellLibrary } from './library.js';

/** Set for a command whose output goes nowhere but to the shell's own output, so that it may stream. */
export const directVariable = '__konnsim_direct';

type Redirection = SimpleCommandNode['redirections'][number];
type Compound = Extract<CommandNode, { body: StatementNode[] }>;

/** Names that change the flow of the shell itself; redirecting them could keep them from doing so. */
const flowNames = new Set(['break', 'continue', 'return', 'exit', 'exec']);
const lineReaders = new Map<string, string>([
  ['read', shellDevices.line],
  ['mapfile', shellDevices.stdin],
  ['readarray', shellDevices.stdin],
]);

/** The text of a word that needs no expansion; `undefined` for all others. */
export function literalText(word: WordNode | null): string | undefined {
  let text = '';
  for (const part of word?.parts ?? []) {
    switch (part.type) {
      case 'Literal':
      case 'SingleQuoted':
      case 'Escaped':
        text += part.value;
        break;
      case 'DoubleQuoted': {
        const inner = literalText({ type: 'Word', parts: part.parts });
        if (inner === undefined) return undefined;
        text += inner;
        break;
      }
      default:
        return undefined;
    }
  }
  return word === null ? undefined : text;
}

/**
 * Changes parsed scripts so that the interpreter, which collects output and input whole, streams:
 * each command that writes to the shell's output hands its bytes over when it ends, loops let the event loop go
 * round, and `read` takes one line from the client when its input is the client's.
 */
export class Rewriter {
  private readonly library: ShellLibrary;

  constructor(library: ShellLibrary) {
    this.library = library;
  }

  /** For every script, at any depth: loops take turns, `read` reads lines, `exit` announces itself. */
  prepare(statements: readonly StatementNode[]): void {
    eachPipeline(statements, (pipeline) => {
      pipeline.commands = pipeline.commands.map((command) => this.prepareCommand(command));
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

  private parse(text: string): StatementNode[] {
    return this.library.parse(text).statements;
  }

  private redirections(text: string): Redirection[] {
    const command = this.parse(`: ${text}`)[0]?.pipelines[0]?.commands[0];
    return command?.type === 'SimpleCommand' ? command.redirections : [];
  }

  private prepareCommand(command: CommandNode): CommandNode {
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
        return this.prepareSimple(command);
      default:
        return command;
    }
  }

  private prepareSimple(command: SimpleCommandNode): CommandNode {
    const name = literalText(command.name) ?? '';
    if (name === 'exit') command.redirections.push(...this.redirections(`<${shellDevices.exit}`));
    const device = lineReaders.get(name);
    const choosesInput = command.redirections.some(({ operator }) => operator.startsWith('<'));
    const choosesDescriptor = command.args.some((arg) => literalText(arg)?.startsWith('-u') === true);
    if (device === undefined || choosesInput || choosesDescriptor) return command;
    return this.readerOf(command, device) ?? command;
  }

  /** `if the input is the client's; then command <device; else command; fi` */
  private readerOf(command: SimpleCommandNode, device: string): CommandNode | undefined {
    const [choice] = this.parse(`if ${shellCommands.ownsStdin}; then :; else :; fi`);
    const node = choice?.pipelines[0]?.commands[0];
    const taken = node?.type === 'If' ? node.clauses[0]?.body[0]?.pipelines[0] : undefined;
    const other = node?.type === 'If' ? node.elseBody?.[0]?.pipelines[0] : undefined;
    if (taken === undefined || other === undefined) return undefined;
    taken.commands = [
      { ...command, redirections: [...command.redirections, ...this.redirections(`<${device}`)] },
    ];
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
        if (command.redirections.length > 0) break;
        for (const clause of command.clauses) this.streamAll([...clause.condition, ...clause.body]);
        return this.streamAll(command.elseBody ?? []);
      case 'Case':
        if (command.redirections.length > 0) break;
        return this.streamAll(command.items.flatMap((item) => item.body));
      case 'While':
      case 'Until':
        if (command.redirections.length > 0) break;
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

  private streamBody(command: Compound): void {
    if (command.redirections.length === 0) this.streamAll(command.body);
    else this.addOutputs(command, bothOutputs);
  }

  private streamAll(statements: readonly StatementNode[]): void {
    for (const statement of statements) this.streamStatement(statement);
  }

  private streamSimple(command: SimpleCommandNode, alone: boolean): void {
    const name = literalText(command.name);
    if (command.name === null || (name !== undefined && flowNames.has(name))) return;
    // A substitution would inherit the mark, and its output must go into the words.
    const plain = alone && command.redirections.length === 0 && !substitutes(command);
    if (plain && name !== undefined && commandTable.has(name)) this.markDirect(command);
    this.addOutputs(command, bothOutputs);
  }

  private markDirect(command: SimpleCommandNode): void {
    const marked = this.parse(`${directVariable}=1 :`)[0]?.pipelines[0]?.commands[0];
    if (marked?.type === 'SimpleCommand') command.assignments.push(...marked.assignments);
  }

  /** In front of the command's own, which therefore win. */
  private addOutputs(command: CommandNode, text: string): void {
    command.redirections.unshift(...this.redirections(text));
  }
}

const bothOutputs = `>>${shellDevices.stdout} 2>>${shellDevices.stderr}`;

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
