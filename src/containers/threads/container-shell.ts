import { createRealClock, type Timer } from '../../core/clock.js';
import type { RemoteCommandResult } from '../../streams/types.js';
import { exitCodes, type Machine } from '../commands/command.js';
import { findCommand } from '../commands/table.js';
import { type ExecOptions, type ExecPlace, execute } from '../shell/exec.js';
import type { LookupFailure } from '../shell/exec-error.js';
import { ExecRelay } from './exec-relay.js';
import type { FileCount } from './protocol.js';
import { type ShellThread, ThreadLost, within } from './shell-thread.js';
import { processThreads } from './thread-pool.js';

export interface ContainerShellOptions {
  readonly id: string;
  readonly hostname: string;
  readonly address: string;
  /** A folder that is made with the first files; default: the root. */
  readonly folder?: string;
  /** The seed of the container's random device. */
  readonly seed: number;
  readonly machine: Machine;
  /** How long it keeps its thread without a running command, in real milliseconds; 5000 when absent. */
  readonly parkAfterMs?: number;
  /** Called when the container's files and commands are lost before its end. */
  readonly lost: (reason: ThreadLost) => void;
}

/** Where a command of a container runs, without its files, which are in the container's thread. */
export type ContainerPlace = Omit<ExecPlace, 'files'>;

/** How long a command that ends with its client may block its thread before the container is ended too. */
const abortLimitMs = 2000;
/** How long a measurement waits for a busy container. */
const countLimitMs = 100;

/** Commands that need no file, and that are short or give turns: they run in the main thread. */
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

interface Opening {
  readonly thread: ShellThread;
  readonly done: Promise<void>;
}

const clock = createRealClock();

/** A container's files and commands for the main thread. Nothing is made before the first command needs it. */
export class ContainerShell {
  private readonly options: ContainerShellOptions;
  private opening: Opening | undefined;
  private openings = 0;
  /** The number of tasks that need the thread now. */
  private active = 0;
  private idle: Timer | undefined;
  private parking: Promise<void> | undefined;
  /** The files while there is no thread. */
  private parked: Uint8Array | undefined;
  private lastCount: FileCount = { usedBytes: 0, entries: 0 };
  private ended = false;

  constructor(options: ContainerShellOptions) {
    this.options = options;
  }

  get hasThread(): boolean {
    return this.opening !== undefined;
  }

  /** A command may have made files. */
  get hasFiles(): boolean {
    return this.opening !== undefined || this.parked !== undefined;
  }

  /** Runs a command to its end. The end of the container, or of its thread, kills it with code 137. */
  async execute(place: ContainerPlace, options: ExecOptions): Promise<RemoteCommandResult> {
    if (isQuick(options.argv)) {
      const files = () => Promise.reject(new Error('the files of a container are in its thread'));
      return execute({ ...place, files }, options);
    }
    const { endsWithClient = false, streams } = options;
    const ending = endsWithClient ? AbortSignal.any([place.signal, streams.signal]) : place.signal;
    const relay = new ExecRelay(options, ending);
    try {
      return await this.run(place, options, relay);
    } catch (error) {
      if (error instanceof ThreadLost || ending.aborted) return { kind: 'exit', code: exitCodes.killed };
      throw error;
    } finally {
      await relay.end();
    }
  }

  /** The content of a file; undefined when there is no such file. */
  readFile(path: string): Promise<Uint8Array | undefined> {
    return this.ask((thread) => thread.calls.call('readFile', this.options.id, path));
  }

  /** Why a program cannot be started; undefined when it can. */
  lookUp(name: string, { env, cwd }: ContainerPlace): Promise<LookupFailure | undefined> {
    return this.ask((thread) => thread.calls.call('lookUp', this.options.id, name, { env, cwd }));
  }

  /** The size of its files; the last known size while a command blocks the container. */
  async countFiles(): Promise<FileCount> {
    const { opening } = this;
    if (opening !== undefined) await within(this.count(opening.thread), countLimitMs);
    return this.lastCount;
  }

  /** Ends all commands and drops the files. Resolves when nothing of them is left. */
  async end(): Promise<void> {
    this.ended = true;
    this.idle?.cancel();
    this.parked = undefined;
    const { opening } = this;
    if (opening !== undefined) await processThreads.leave(opening.thread, this.options.id);
  }

  private async run(
    { env, cwd }: ContainerPlace,
    { argv, tty, streams, endsWithClient = false, isMain = false, execId }: ExecOptions,
    relay: ExecRelay,
  ): Promise<RemoteCommandResult> {
    const thread = await this.enter();
    const exec = thread.enter(relay);
    const abort = (): void => void this.abort(thread, exec);
    if (endsWithClient) streams.signal.addEventListener('abort', abort, { once: true });
    const container = this.options.id;
    try {
      const work = thread.calls.call('exec', {
        exec,
        container,
        argv,
        tty,
        endsWithClient,
        isMain,
        env,
        cwd,
        execId: execId(),
        has: relay.has,
      });
      if (endsWithClient && streams.signal.aborted) abort();
      return await work;
    } finally {
      thread.leave(exec);
      this.leave();
      streams.signal.removeEventListener('abort', abort);
    }
  }

  private async ask<T>(question: (thread: ShellThread) => Promise<T>): Promise<T> {
    const thread = await this.enter();
    try {
      return await question(thread);
    } finally {
      this.leave();
    }
  }

  private async abort(thread: ShellThread, exec: number): Promise<void> {
    void thread.calls.call('abort', exec).catch(() => undefined);
    if (!(await thread.answers(abortLimitMs))) await processThreads.end(thread);
  }

  private async count(thread: ShellThread): Promise<void> {
    this.lastCount = await thread.calls.call('countFiles', this.options.id);
  }

  /** Gets the container's thread for one task; call `leave` afterwards. */
  private async enter(): Promise<ShellThread> {
    this.active++;
    this.idle?.cancel();
    try {
      await this.parking;
      if (this.ended) throw new ThreadLost();
      this.opening ??= this.open();
      await this.opening.done;
      return this.opening.thread;
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  private leave(): void {
    if (--this.active > 0 || this.ended || this.opening === undefined) return;
    const { thread } = this.opening;
    this.idle = clock.after(
      this.options.parkAfterMs ?? 5000,
      () => {
        this.parking = this.park(thread).catch(() => undefined);
      },
      true,
    );
  }

  private open(): Opening {
    const { id: container, hostname, address, folder = '/', seed, machine, lost } = this.options;
    const thread = processThreads.take();
    const files = this.parked;
    this.parked = undefined;
    const setup = {
      container,
      hostname,
      address,
      folder,
      machine,
      seed: seed + this.openings++,
      lost: (reason: ThreadLost) => {
        this.opening = undefined;
        if (!this.ended) lost(reason);
      },
    };
    return { thread, done: thread.open(setup, files) };
  }

  /** Gives the thread back while nothing runs. The main thread keeps the files as bytes that only a thread unpacks. */
  private async park(thread: ShellThread): Promise<void> {
    await this.count(thread);
    const files = await processThreads.park(thread, this.options.id);
    if (files === undefined) return;
    this.opening = undefined;
    if (files.length > 0 && !this.ended) this.parked = files;
  }
}
