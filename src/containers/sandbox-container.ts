import type { Random } from '../core/random.js';
import type { Container } from '../kube/pod-objects.js';
import { ContainerRun, hexId } from './container-run.js';
import { HeldContainer, type HeldContainerOptions } from './held-container.js';
import { MainCommand } from './main-command.js';
import { killed } from './pod-table.js';
import type { Program } from './programs/program.js';
import { noProgram, programOf } from './programs/table.js';
import type { Termination } from './runtime.js';

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

  protected launch(spec: Container): ContainerRun {
    const { pod, clock, now, random, logLimitBytes } = this.options;
    const argv = commandOf(spec);
    this.program = argv === undefined ? programOf(spec) : noProgram;
    const run: ContainerRun = new ContainerRun({
      pod,
      container: spec,
      program: this.program,
      time: { clock, now },
      random,
      logLimitBytes,
      lost: (termination) => this.finish(run, termination),
    });
    if (argv !== undefined) this.startCommand(run, spec, argv);
    return run;
  }

  protected async endRun(run: ContainerRun): Promise<void> {
    this.finish(run, killed);
    await run.gone;
  }

  /** The shell finds out late that it has no such program; its text is that of an exec. */
  private notStartable(run: ContainerRun, text: string): void {
    const cause = text.replace(/^.*exec failed: /, '');
    const message = `failed to create containerd task: OCI runtime create failed: ${cause}`;
    this.report('Failed', message);
    this.finish(run, { exitCode: 128, reason: 'StartError', message });
  }

  private startCommand(run: ContainerRun, spec: Container, argv: readonly string[]): void {
    const { random } = this.options;
    this.command = new MainCommand({ run, container: spec, argv, execId: () => hexId(random) });
    void this.command.ended.then(async (result) => {
      if (result.kind === 'error') return this.notStartable(run, result.message);
      const message = await run.terminationMessage(result.code).catch(() => undefined);
      this.finish(run, { exitCode: result.code, ...(message === undefined ? {} : { message }) });
    });
  }
}

/** The command of a container's spec; undefined when its image decides. */
function commandOf({ command = [], args = [] }: Container): readonly string[] | undefined {
  const argv = [...command, ...args];
  return argv.length === 0 ? undefined : argv;
}
