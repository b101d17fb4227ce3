import { TunnelError } from '../core/errors.js';
import type { Random } from '../core/random.js';
import type { Container } from '../kube/pod-objects.js';
import { ContainerRun, hexId } from './container-run.js';
import { HeldContainer } from './held-container.js';
import type { HeldContainerOptions } from './held-options.js';
import { MainCommand } from './main-command.js';
import { killed } from './pod-table.js';
import type { Program } from './programs/program.js';
import { noProgram, programOf } from './programs/table.js';
import type { Termination } from './runtime.js';
import { isAlwaysThere } from './shell/exec.js';
import { lookupCause, startError } from './shell/exec-error.js';

export interface SandboxContainerOptions extends HeldContainerOptions {
  readonly random: Random;
  readonly logLimitBytes: number | undefined;
}

/** A container in memory: a program by its image, or a command of the sandbox's shell. */
export class SandboxContainer extends HeldContainer<ContainerRun> {
  /** The main process, where the image decides. */
  program: Program = noProgram;
  private readonly options: SandboxContainerOptions;
  private command: MainCommand | undefined;

  constructor(options: SandboxContainerOptions) {
    super(options);
    this.options = options;
  }

  /** The main process, where the spec names a command. */
  get main(): MainCommand | undefined {
    return this.command;
  }

  /** The main process ended by itself. */
  finish(run: ContainerRun, termination: Termination, atOnce = false): void {
    if (this.run !== run) return;
    this.command = undefined;
    run.end();
    this.runEnded(run, termination, atOnce);
  }

  protected launch(spec: Container, id: string): ContainerRun | Promise<ContainerRun> {
    const { pod, clock, now, random, logLimitBytes } = this.options;
    const argv = commandOf(spec);
    this.program = argv === undefined ? programOf(spec) : noProgram;
    const run: ContainerRun = new ContainerRun({
      id,
      pod,
      container: spec,
      program: this.program,
      time: { clock, now },
      random,
      logLimitBytes,
      lost: (termination) => this.finish(run, termination),
    });
    if (argv === undefined) return run;
    if (!isAlwaysThere(argv)) return this.startIfThere(run, spec, argv);
    this.startCommand(run, spec, argv);
    return run;
  }

  protected async endRun(run: ContainerRun): Promise<void> {
    this.finish(run, killed);
    await run.gone;
  }

  private async startIfThere(
    run: ContainerRun,
    spec: Container,
    argv: readonly string[],
  ): Promise<ContainerRun> {
    const [name = ''] = argv;
    try {
      const failure = await run.lookUp(name);
      if (failure !== undefined)
        throw new TunnelError('COMMAND_NOT_FOUND', startError(lookupCause(name, failure)));
    } catch (caught) {
      run.end();
      await run.gone;
      throw caught;
    }
    this.startCommand(run, spec, argv);
    return run;
  }

  private startCommand(run: ContainerRun, spec: Container, argv: readonly string[]): void {
    const { random } = this.options;
    this.command = new MainCommand({ run, container: spec, argv, execId: () => hexId(random) });
    void this.command.ended.then(async (result) => {
      // It may end before it counts as running.
      await this.starting;
      const exitCode = result.kind === 'exit' ? result.code : 128;
      const message =
        result.kind === 'error'
          ? result.message
          : await run.terminationMessage(exitCode).catch(() => undefined);
      this.finish(run, { exitCode, ...(message === undefined ? {} : { message }) });
    });
  }
}

/** The command of a container's spec; undefined when its image decides. */
function commandOf({ command = [], args = [] }: Container): readonly string[] | undefined {
  const argv = [...command, ...args];
  return argv.length === 0 ? undefined : argv;
}
