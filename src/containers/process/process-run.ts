import { setMaxListeners } from 'node:events';
import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import { goSystemText } from '../../core/go-texts.js';
import type { Container, Pod } from '../../kube/pod-objects.js';
import { systemCode } from '../../pki/file-reasons.js';
import type { RemoteCommandResult, RemoteCommandStreams } from '../../streams/types.js';
import { followOutput } from '../attach.js';
import { copyOutput, feedInput, followSizes } from '../command-io.js';
import { LogStore } from '../logs/log-store.js';
import type { ContainerUsage, ExecRequest, Termination } from '../runtime.js';
import { execError, lookupCause, startError } from '../shell/exec-error.js';
import { maxMessageBytes, terminationMessage } from '../termination-message.js';
import { type Child, startOnPipes } from './child.js';
import { killMembers, signalSessions } from './end-processes.js';
import { environmentOf, markVariable } from './environment.js';
import { findProgram } from './find-program.js';
import { createContainerFolder, folderSize, readEnd, removeFolder, workingFolder } from './folders.js';
import type { Guardian } from './guardian.js';
import { commandOf } from './images.js';
import { type Membership, membersOf, residentBytes } from './process-table.js';
import { programCommand } from './program-command.js';
import { startOnTerminal, type TerminalLibrary } from './terminal-child.js';

export interface ProcessRunOptions {
  readonly id: string;
  readonly pod: Pod;
  readonly container: Container;
  /** The folder of this run; made at its start, removed at its end. */
  readonly folder: string;
  readonly clock: Clock;
  /** Wall time in epoch milliseconds. */
  readonly now: () => number;
  readonly loadTerminals: () => Promise<TerminalLibrary>;
  readonly logLimitBytes: number | undefined;
  readonly guardian: Guardian;
}

interface Launch {
  readonly argv: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  /** Makes the error for a failed start. */
  readonly failure: (cause: string) => string;
}

/** How long to wait for an output that is held open by a process that cannot be found or killed. */
const outputPatienceMs = 2000;

/** One run of a container: its main process, the commands beside it, their log and folder. */
export class ProcessRun {
  readonly id: string;
  readonly startedAtMs: number;
  readonly logs: LogStore;
  wasAttached = false;
  /** Resolves when the main process has ended, no process is left and the log is complete. */
  readonly ended: Promise<Termination>;
  private readonly options: ProcessRunOptions;
  private readonly main: Child;
  private readonly cwd: string;
  private readonly sessions: Set<number>;
  private readonly ending = new AbortController();
  private mainHasEnded = false;

  private constructor(options: ProcessRunOptions, main: Child, cwd: string) {
    const { id, now, logLimitBytes: limitBytes } = options;
    this.options = options;
    this.id = id;
    this.main = main;
    this.cwd = cwd;
    this.sessions = new Set([main.pid]);
    options.guardian.watch(main.pid);
    this.startedAtMs = now();
    this.logs = new LogStore({ now, ...(limitBytes === undefined ? {} : { limitBytes }) });
    setMaxListeners(0, this.signal);
    this.ended = this.followMain();
  }

  /** Starts the main process. Rejects with COMMAND_NOT_FOUND or CONFIG_INVALID. */
  static async start(options: ProcessRunOptions): Promise<ProcessRun> {
    const { container, folder } = options;
    const making = createContainerFolder(folder).then(() => workingFolder(folder, container.workingDir));
    const cwd = await inGoWords(making, (text) =>
      startError(`mkdir ${container.workingDir ?? '/'}: ${text}`),
    );
    const { tty = false, stdin = false } = container;
    const argv = commandOf(container) ?? programCommand(options);
    const main = await launch(options, cwd, { argv, tty, stdin, failure: startError });
    return new ProcessRun(options, main, cwd);
  }

  /** Removed at the end of the run. */
  get folder(): string {
    return this.options.folder;
  }

  get ageMs(): number {
    return this.options.now() - this.startedAtMs;
  }

  /** Aborts when the run has ended and its log is complete. */
  get signal(): AbortSignal {
    return this.ending.signal;
  }

  /**
   * Runs a command beside the main process. As with a real container runtime it runs to its own end, or ends with the
   * container. When a client leaves, only the command's input ends; at a terminal not even that, and there is no
   * SIGHUP.
   */
  async exec(
    request: ExecRequest,
    streams: RemoteCommandStreams,
    execId: string,
  ): Promise<RemoteCommandResult> {
    const { command: argv, tty } = request;
    const failure = (cause: string): string => execError(execId, cause);
    const stdin = streams.stdin !== undefined;
    if (this.mainHasEnded) return this.refusal();
    const starting = launch(this.options, this.cwd, { argv, tty, stdin, failure });
    const child = await starting.catch((caught) => TunnelError.from(caught, 'COMMAND_NOT_FOUND'));
    if (child instanceof TunnelError) return { kind: 'error', message: child.message };
    this.sessions.add(child.pid);
    this.options.guardian.watch(child.pid);
    const kill = (): void => signalSessions([child.pid], 'SIGKILL');
    const deadly = request.endsWithClient === true ? streams.signal : undefined;
    if (deadly?.aborted || this.mainHasEnded) kill();
    deadly?.addEventListener('abort', kill, { once: true });
    feedInput(streams.stdin, child);
    void followSizes(streams.resize, child);
    const ends = { signal: streams.signal, exited: child.exited };
    const [code] = await Promise.all([
      child.exited,
      copyOutput(child.stdout, streams.stdout, ends),
      copyOutput(child.stderr, streams.stderr, ends),
    ]);
    deadly?.removeEventListener('abort', kill);
    this.forgetSession(child.pid);
    return { kind: 'exit', code };
  }

  /** Refused after the end of the main process, when the log is complete: kubectl then reads the log instead. */
  async attach(streams: RemoteCommandStreams): Promise<RemoteCommandResult> {
    if (this.mainHasEnded) return this.refusal();
    const { stdin = false, stdinOnce = false } = this.options.container;
    if (stdin) feedInput(streams.stdin, this.main, !stdinOnce);
    else streams.stdin?.resume();
    void followSizes(streams.resize, this.main);
    // The terminal has already made the line ends.
    return followOutput(this, streams, false);
  }

  /** Asks all processes to end, kills the rest after `graceMs`, and resolves when no process is left. */
  async end(graceMs: number): Promise<void> {
    const { clock } = this.options;
    signalSessions(this.sessions, 'SIGTERM');
    // A shell at a terminal ignores SIGTERM; it ends when its terminal hangs up.
    if (this.main.stderr === undefined) signalSessions([this.main.pid], 'SIGHUP');
    const timer = clock.after(graceMs, () => signalSessions(this.sessions, 'SIGKILL'));
    await this.ended;
    timer.cancel();
  }

  async kill(): Promise<void> {
    signalSessions(this.sessions, 'SIGKILL');
    await this.ended;
  }

  async usage(): Promise<Omit<ContainerUsage, 'restartCount'>> {
    const { container, folder } = this.options;
    const members = await membersOf(this.membership);
    const memory = await Promise.all(members.map(({ pid }) => residentBytes(pid)));
    return {
      name: container.name,
      image: container.image,
      id: this.id,
      startedAtMs: this.startedAtMs,
      cpuSeconds: sum(members.map(({ cpuSeconds }) => cpuSeconds)),
      memoryBytes: sum(memory),
      processes: members.length,
      threads: sum(members.map(({ threads }) => threads)),
      files: await folderSize(folder),
      log: { usedBytes: this.logs.usedBytes, writtenBytes: this.logs.writtenBytes },
    };
  }

  private get membership(): Membership {
    return { sessions: this.sessions, mark: `${markVariable}=${this.options.folder}` };
  }

  private async followMain(): Promise<Termination> {
    const { main, logs } = this;
    main.stdout.on('data', (chunk: Buffer) => logs.append('stdout', chunk));
    main.stderr?.on('data', (chunk: Buffer) => logs.append('stderr', chunk));
    const closed = Promise.all([main.stdout, main.stderr].map((output) => outputEnd(output)));
    const code = await main.exited;
    this.mainHasEnded = true;
    // A container's other processes end with the main one. Only then do the last outputs end.
    await killMembers(this.membership, this.options.clock);
    this.options.guardian.forget(main.pid);
    await Promise.race([closed, after(this.options.clock, outputPatienceMs)]);
    logs.close();
    const { container, folder } = this.options;
    const readFile = (path: string): Promise<Uint8Array> => readEnd(folder, path, maxMessageBytes);
    const message = await terminationMessage(container, code, { logs, readFile });
    this.ending.abort();
    await removeFolder(folder).catch(() => undefined);
    return { exitCode: code, ...(message === undefined ? {} : { message }) };
  }

  /** In the words of containerd. */
  private async refusal(): Promise<RemoteCommandResult> {
    await this.ended;
    return { kind: 'error', message: 'container is in CONTAINER_EXITED state' };
  }

  /** The ID of an empty group may be given to another process. A process that left the group still has the mark. */
  private forgetSession(session: number): void {
    this.options.guardian.forget(session);
    try {
      process.kill(-session, 0);
    } catch {
      this.sessions.delete(session);
    }
  }
}

async function launch(
  options: ProcessRunOptions,
  cwd: string,
  { argv, tty, stdin, failure }: Launch,
): Promise<Child> {
  const base = environmentOf(options);
  const env = tty ? { TERM: 'xterm', ...base } : base;
  // Node's own error would quote the text, which may be a secret.
  if ([...argv, ...Object.values(env)].some((text) => text.includes('\0')))
    throw new TunnelError('CONFIG_INVALID', 'an argument or a variable contains nul byte (\\x00)');
  const [name = ''] = argv;
  const found = await findProgram(name, env['PATH'] ?? '', cwd);
  if (found.kind === 'failed')
    throw new TunnelError('COMMAND_NOT_FOUND', failure(lookupCause(name, found.failure)));
  const child = { file: found.file, argv, cwd, env, stdin };
  if (tty) return startOnTerminal(await options.loadTerminals(), child, options.clock);
  return inGoWords(startOnPipes(child), (text) => failure(`exec: "${name}": ${text}`));
}

/** Node's own texts name paths of the host. */
async function inGoWords<T>(work: Promise<T>, textOf: (systemText: string) => string): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const code = systemCode(cause);
    if (code === undefined) throw cause;
    throw new TunnelError('CONFIG_INVALID', textOf(goSystemText(code)), { cause });
  }
}

function after(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.after(delayMs, resolve, true));
}

function outputEnd(output: Child['stdout'] | undefined): Promise<void> {
  if (output === undefined || output.closed) return Promise.resolve();
  return new Promise((resolve) => output.once('close', () => resolve()));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
