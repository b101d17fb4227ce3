import { findCommand } from '../commands/table.js';
import type { CommandNode, PipelineNode, SimpleCommandNode, StatementNode } from './bash-library.js';
import { literalText } from './parse-script.js';

/** Where an output of a planned command goes; `next` is the pipe or the shell's own output. */
export type Target =
  | { readonly kind: 'next' }
  | { readonly kind: 'stderr' }
  | { readonly kind: 'file'; readonly path: string; readonly append: boolean };

export interface PlannedCommand {
  readonly argv: readonly string[];
  readonly input: string | undefined;
  readonly stdout: Target;
  readonly stderr: Target;
}

export interface PlannedStep {
  /** Whether to run, depending on the status of the previous step. */
  readonly when: 'always' | 'success' | 'failure';
  readonly action:
    | { readonly kind: 'pipeline'; readonly commands: readonly PlannedCommand[] }
    | { readonly kind: 'exit'; readonly code: number | undefined };
}

/** For streaming commands with plain words, pipes and lists: all at once, in constant memory. Else `undefined`. */
export function planScript(
  statements: readonly StatementNode[],
  isShadowed: (name: string) => boolean,
): readonly PlannedStep[] | undefined {
  const steps: PlannedStep[] = [];
  for (const statement of statements) {
    if (statement.background || statement.deferredError !== undefined) return undefined;
    for (const [index, pipeline] of statement.pipelines.entries()) {
      const operator = index === 0 ? ';' : statement.operators[index - 1];
      const action = planPipeline(pipeline, isShadowed);
      if (action === undefined) return undefined;
      steps.push({ when: operator === '&&' ? 'success' : operator === '||' ? 'failure' : 'always', action });
    }
  }
  return steps;
}

function planPipeline(
  pipeline: PipelineNode,
  isShadowed: (name: string) => boolean,
): PlannedStep['action'] | undefined {
  if (pipeline.negated || pipeline.timed === true || pipeline.pipeStderr?.includes(true) === true)
    return undefined;
  const exit = planExit(pipeline);
  if (exit !== undefined) return exit;
  const commands: PlannedCommand[] = [];
  for (const command of pipeline.commands) {
    const planned = planCommand(command);
    if (planned === undefined || isShadowed(planned.argv[0] ?? '')) return undefined;
    commands.push(planned);
  }
  return { kind: 'pipeline', commands };
}

function planExit({ commands }: PipelineNode): PlannedStep['action'] | undefined {
  const [command] = commands;
  if (commands.length !== 1 || command?.type !== 'SimpleCommand' || literalText(command.name) !== 'exit')
    return undefined;
  const argv = words(command);
  if (argv === undefined || argv.length > 2 || command.redirections.length > 0) return undefined;
  if (argv.length === 1) return { kind: 'exit', code: undefined };
  return /^\d+$/.test(argv[1] ?? '') ? { kind: 'exit', code: Number(argv[1]) & 0xff } : undefined;
}

function words(command: SimpleCommandNode): readonly string[] | undefined {
  if (command.assignments.length > 0) return undefined;
  const texts = [command.name, ...command.args].map(literalText);
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

function planCommand(command: CommandNode): PlannedCommand | undefined {
  if (command.type !== 'SimpleCommand') return undefined;
  const argv = words(command);
  const [name, ...args] = argv ?? [];
  if (argv === undefined || name === undefined || findCommand(name, args) === undefined) return undefined;
  let streams: Omit<PlannedCommand, 'argv'> = {
    input: undefined,
    stdout: { kind: 'next' },
    stderr: { kind: 'stderr' },
  };
  for (const redirection of command.redirections) {
    const changed = redirect(streams, redirection);
    if (changed === undefined) return undefined;
    streams = changed;
  }
  return { argv, ...streams };
}

function redirect(
  streams: Omit<PlannedCommand, 'argv'>,
  { fd, operator, target, fdVariable }: SimpleCommandNode['redirections'][number],
): Omit<PlannedCommand, 'argv'> | undefined {
  const path = target.type === 'Word' ? literalText(target) : undefined;
  if (path === undefined || fdVariable !== undefined) return undefined;
  if (operator === '<' && (fd === null || fd === 0)) return { ...streams, input: path };
  if (operator === '>&' && fd === 2 && path === '1') return { ...streams, stderr: streams.stdout };
  if (operator === '>&' && (fd === null || fd === 1) && path === '2')
    return { ...streams, stdout: streams.stderr };
  if (operator !== '>' && operator !== '>>') return undefined;
  if (path.startsWith('/dev/') && path !== '/dev/null') return undefined;
  const file: Target = { kind: 'file', path, append: operator === '>>' };
  if (fd === null || fd === 1) return { ...streams, stdout: file };
  return fd === 2 ? { ...streams, stderr: file } : undefined;
}
