import { errorLines } from '../cli/terminal.js';
import type { FlagOutcome } from './command-line.js';
import { createKlog, type Klog } from './klog.js';
import { SignalQueue } from './signal-queue.js';

export interface Surroundings {
  readonly log: Klog;
  readonly signals: SignalQueue;
}

export interface ProgramRun<O> {
  /** `proxy-agent`. */
  readonly name: string;
  readonly outcome: FlagOutcome<O>;
  /** Runs until the program must end. Resolves with the exit code. */
  readonly run: (options: O, surroundings: Surroundings) => Promise<number>;
}

/** Runs a command line. Resolves with the exit code: 1 for every failure, as Konnectivity's programs. */
export async function runProgram<O extends { readonly verbosity: number }>({
  name,
  outcome,
  run,
}: ProgramRun<O>): Promise<number> {
  // A closed output must not end a program that other parts depend on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  if (outcome.kind === 'print') {
    process.stdout.write(outcome.text);
    return 0;
  }
  if (outcome.kind === 'error') return fail(outcome.error);
  const { verbosity } = outcome.options;
  const log = createKlog({ program: name, verbosity, destination: process.stderr, now: () => new Date() });
  for (const notice of outcome.notices) log.say('W', notice);
  const signals = new SignalQueue();
  process.on('exit', log.flush);
  try {
    return await run(outcome.options, { log, signals });
  } catch (caught) {
    log.flush();
    return fail(caught);
  } finally {
    signals.dispose();
  }
}

function fail(caught: unknown): number {
  process.stderr.write(`${errorLines(caught)}\n`);
  return 1;
}
