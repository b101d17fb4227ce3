import type { RemoteCommandResult } from '../../../streams/types.js';
import { exitCodes, type Machine } from '../commands/command.js';
import { findCommand } from '../commands/table.js';
import { type ExecOptions, type ExecPlace, execute } from '../exec.js';
import { ExecRelay } from './exec-relay.js';
import type { FileCount } from './protocol.js';
import { type ShellThread, ThreadLost, within } from './shell-thread.js';
import { processThreads } from './thread-pool.js';

export interface ContainerShellOptions {
  readonly id: string;
  readonly hostname: string;
  readonly address: string;
  /** Of the container's random device. */
  readonly seed: number;
  readonly machine: Machine;
  /** Called when the container's files and commands are gone before its end. */
  readonly lost: (reason: ThreadLost) => void;
}

/** Where a command of a container runs, but for its files, which are in the container's thread. */
export type ContainerPlace = Omit<ExecPlace, 'files'>;

/** How long a command whose client is gone may hold its thread up, before the container ends with it. */
const abortLimitMs = 2000;
/** How long a measurement waits for a container that is busy. */
const countLimitMs = 100;

/** Commands that need no file, and whose work is over at once or takes turns: they run in the process itself. */
const quick = new Set(
  [
    'date',
    'echo',
    'env',
    'false',
    'hostname',
    'id',
    'printenv',
    'sleep',
    'stty',
    'true',
    'uname',
    'whoami',
  ].flatMap((name) => [name, `/bin/${name}`, `/usr/bin/${name}`]),
);

function isQuick([name = '', ...args]: readonly string[]): boolean {
  return (quick.has(name) || (name === 'cat' && args.length === 0)) && findCommand(name, args) !== undefined;
}

/** A container's files and commands as the process sees them. Nothing exists before the first command needs it. */
export class ContainerShell {
  private readonly options: ContainerShellOptions;
  private opening: { readonly thread: ShellThread; readonly done: Promise<void> } | undefined;
  private lastCount: FileCount = { usedBytes: 0, entries: 0 };
  private ended = false;

  constructor(options: ContainerShellOptions) {
    this.options = options;
  }

  /** Runs a command to its end. The end of the container, or of its thread, kills it with code 137. */
  async execute(place: ContainerPlace, options: ExecOptions): Promise<RemoteCommandResult> {
    if (isQuick(options.argv)) return execute({ ...place, files: () => Promise.reject(noFiles()) }, options);
    const signal = AbortSignal.any([place.signal, options.streams.signal]);
    const relay = new ExecRelay(options, signal);
    try {
      return await this.run(place, options, relay);
    } catch (error) {
      if (error instanceof ThreadLost || signal.aborted) return { kind: 'exit', code: exitCodes.killed };
      throw error;
    } finally {
      await relay.end();
    }
  }

  /** The content of a file; undefined when there is no such file. */
  async readFile(path: string): Promise<Uint8Array | undefined> {
    const { thread, done } = this.open();
    await done;
    return thread.calls.call('readFile', this.options.id, path);
  }

  /** What its files take; what they took, while a command holds the container up. */
  async countFiles(): Promise<FileCount> {
    if (this.opening === undefined) return this.lastCount;
    const counting = this.opening.thread.calls.call('countFiles', this.options.id);
    const remembering = counting.then((count) => {
      this.lastCount = count;
    });
    await within(remembering, countLimitMs);
    return this.lastCount;
  }

  /** Ends all commands and forgets the files. Resolves when nothing of them is left. */
  async end(): Promise<void> {
    this.ended = true;
    const { opening } = this;
    if (opening !== undefined) await processThreads.leave(opening.thread, this.options.id);
  }

  private async run(
    { env, cwd }: ContainerPlace,
    { argv, tty, streams, execId }: ExecOptions,
    relay: ExecRelay,
  ): Promise<RemoteCommandResult> {
    const { thread, done } = this.open();
    const exec = thread.enter(relay);
    const abort = (): void => void this.abort(thread, exec);
    streams.signal.addEventListener('abort', abort, { once: true });
    const container = this.options.id;
    try {
      await done;
      const work = thread.calls.call('exec', {
        ...{ exec, container, argv, tty, env, cwd },
        execId: execId(),
        has: relay.has,
      });
      if (streams.signal.aborted) abort();
      return await work;
    } finally {
      thread.leave(exec);
      streams.signal.removeEventListener('abort', abort);
    }
  }

  private async abort(thread: ShellThread, exec: number): Promise<void> {
    void thread.calls.call('abort', exec).catch(() => undefined);
    if (!(await thread.answers(abortLimitMs))) await processThreads.end(thread);
  }

  private open(): { readonly thread: ShellThread; readonly done: Promise<void> } {
    if (this.ended) throw new ThreadLost();
    if (this.opening === undefined) {
      const { id: container, hostname, address, seed, machine, lost } = this.options;
      const thread = processThreads.take();
      const done = thread.open({
        ...{ container, hostname, address, seed, machine },
        lost: (reason) => {
          this.opening = undefined;
          if (!this.ended) lost(reason);
        },
      });
      this.opening = { thread, done };
    }
    return this.opening;
  }
}

function noFiles(): Error {
  return new Error('the files of a container are in its thread');
}
