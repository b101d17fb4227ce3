import { type Command, exitCodes, type Process } from '../commands/command.js';
import { type FileSink, openSink, openSource } from '../commands/files.js';
import { CommandFailure, SandboxLimit } from '../commands/limit.js';
import { findCommand } from '../commands/table.js';
import { BrokenPipe, type ByteSink, OutputTooLarge, writeText } from '../io/byte-sink.js';
import { emptySource, Input } from '../io/byte-source.js';
import { createPipe } from '../io/pipe.js';
import type { PlannedCommand, PlannedStep, Target } from './plan-script.js';

export interface PlanResult {
  readonly status: number;
  /** The plan has ended the shell. */
  readonly exited: boolean;
  /** A command met a limit of the sandbox, so later commands would get wrong bytes. */
  readonly limited?: boolean;
}

/** Runs a plan in `place`, whose streams are the shell's. */
export async function runPlan(
  steps: readonly PlannedStep[],
  place: Omit<Process, 'args'>,
  startStatus: number,
): Promise<PlanResult> {
  let status = startStatus;
  for (const { when, action } of steps) {
    if (place.signal.aborted) break;
    if ((when === 'success' && status !== 0) || (when === 'failure' && status === 0)) continue;
    if (action.kind === 'exit') return { status: action.code ?? status, exited: true };
    status = await runPipeline(action.commands, place);
    if (status === exitCodes.limit) return { status, exited: false, limited: true };
  }
  return { status: place.signal.aborted ? exitCodes.interrupted : status, exited: false };
}

async function runPipeline(
  commands: readonly PlannedCommand[],
  place: Omit<Process, 'args'>,
): Promise<number> {
  const pipes = commands.slice(1).map(() => createPipe());
  const codes = await Promise.all(
    commands.map(async (command, index) => {
      const before = pipes[index - 1];
      const after = pipes[index];
      const stdin = before === undefined ? place.stdin : new Input(before.source);
      try {
        return await runPlanned(command, { ...place, stdin, stdout: after?.sink ?? place.stdout });
      } finally {
        before?.close();
        after?.end();
      }
    }),
  );
  return codes.includes(exitCodes.limit) ? exitCodes.limit : (codes.at(-1) ?? 0);
}

async function runPlanned(command: PlannedCommand, place: Omit<Process, 'args'>): Promise<number> {
  const [name = '', ...args] = command.argv;
  const files = new Map<Target, FileSink>();
  try {
    const sinkOf = (target: Target): ByteSink =>
      files.get(target) ?? (target.kind === 'next' ? place.stdout : place.stderr);
    for (const target of [command.stdout, command.stderr]) {
      if (target.kind !== 'file' || files.has(target)) continue;
      files.set(target, await open(target.path, () => openSink(place, target.path, target.append)));
    }
    const stdin = await openInput(command.input, place);
    const process: Process = {
      ...place,
      args,
      stdin,
      stdout: sinkOf(command.stdout),
      stderr: sinkOf(command.stderr),
    };
    return await runCommand(name, process);
  } catch (error) {
    if (!(error instanceof RedirectionError)) throw error;
    await writeText(place.stderr, `sh: ${error.message}\n`).catch(() => undefined);
    return 1;
  } finally {
    for (const file of files.values()) await file.close();
  }
}

async function openInput(path: string | undefined, place: Omit<Process, 'args'>): Promise<Input> {
  if (path === undefined) return place.stdin;
  if (path === '/dev/null') return new Input(emptySource);
  return new Input(await open(path, () => openSource({ ...place, args: [] }, path)));
}

class RedirectionError extends Error {}

async function open<T>(path: string, opening: () => Promise<T>): Promise<T> {
  try {
    return await opening();
  } catch (error) {
    throw new RedirectionError(`${path}: ${(error as Error).message}`);
  }
}

/**
 * Runs one streaming command. A broken pipe and an abort become the codes of their signals, a limit of the sandbox
 * becomes `exitCodes.limit`, and other failures become a line on standard error.
 */
export async function runCommand(
  name: string,
  process: Process,
  command: Command | undefined = findCommand(name, process.args),
): Promise<number> {
  if (command === undefined) return 127;
  try {
    const code = await command.run(process);
    return process.signal.aborted ? exitCodes.interrupted : code;
  } catch (error) {
    if (process.signal.aborted) return exitCodes.interrupted;
    const limited = error instanceof SandboxLimit || error instanceof OutputTooLarge;
    if (error instanceof BrokenPipe && !limited) return exitCodes.brokenPipe;
    await writeText(process.stderr, `${name}: ${(error as Error).message}\n`).catch(() => undefined);
    if (limited) return exitCodes.limit;
    return error instanceof CommandFailure ? error.exitCode : 1;
  }
}
