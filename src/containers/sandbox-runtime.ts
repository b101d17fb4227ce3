import type { Duplex } from 'node:stream';
import type { Clock } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import type { Random } from '../core/random.js';
import { createWallClock } from '../core/wall-clock.js';
import type { Pod } from '../kube/pod-objects.js';
import type { RemoteCommandResult, RemoteCommandStreams } from '../streams/types.js';
import { followOutput } from './attach.js';
import { BehaviourBook } from './behaviour-book.js';
import type { AttachRule, Behaviour, ExecLocal } from './behaviours.js';
import { type ContainerRun, hexId, type SandboxTime } from './container-run.js';
import { cutConnection } from './cut-connection.js';
import type { HeldContainerOptions } from './held-options.js';
import { killed, PodTable } from './pod-table.js';
import { openPort } from './port-forward.js';
import { openLogs } from './read-logs.js';
import type {
  ContainerRef,
  ExecRequest,
  LogRequest,
  NodeRuntime,
  PortForwardRequest,
  StreamRequest,
  Termination,
} from './runtime.js';
import { SandboxContainer } from './sandbox-container.js';
import { runScripted } from './scripted-exec.js';
import type { ExecOptions } from './shell/exec.js';
import type { ContainerPlace } from './threads/container-shell.js';

export interface SandboxOptions {
  readonly nodeName: string;
  readonly pods: readonly Pod[];
  readonly behaviours?: readonly Behaviour[];
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  /** Wall time at the start, in epoch milliseconds; the machine's when absent. */
  readonly startTimeMs?: number;
  /** The highest number of bytes that a container's log keeps; 10 MiB when absent. */
  readonly logLimitBytes?: number;
}

/** The in-memory runtime. It uses no file, process or network of the host, except for named port-forward targets. */
export interface SandboxRuntime extends NodeRuntime {
  /** Ends a container for good. */
  stopContainer(ref: ContainerRef, termination?: Termination): void;
}

/** Starts all containers of the given pods. Throws CONFIG_INVALID for an invalid behaviour. */
export function createSandboxRuntime(options: SandboxOptions): SandboxRuntime {
  return new Sandbox(options);
}

class Sandbox extends PodTable<SandboxContainer> implements SandboxRuntime {
  private readonly options: SandboxOptions;
  private readonly time: SandboxTime;
  private readonly book: BehaviourBook;
  private readonly active = new Set<Promise<unknown>>();
  private readonly execId = (): string => hexId(this.options.random);

  constructor(options: SandboxOptions) {
    const { clock, startTimeMs } = options;
    const now = createWallClock(clock, startTimeMs === undefined ? {} : { startMs: startTimeMs });
    super({ ...options, now });
    this.options = options;
    this.time = { clock, now };
    this.book = new BehaviourBook(options.behaviours ?? []);
    for (const pod of options.pods) this.addPod(pod);
  }

  protected createContainer(options: HeldContainerOptions): SandboxContainer {
    const { random, logLimitBytes } = this.options;
    return new SandboxContainer({ ...options, random, logLimitBytes });
  }

  /** They are in memory, and go with their containers. */
  protected async removeFiles(): Promise<void> {}

  admitStream(request: StreamRequest): void {
    this.book.admit(request);
  }

  stopContainer(ref: ContainerRef, termination: Termination = killed): void {
    void this.container(ref).stop(0, termination);
  }

  async exec(request: ExecRequest, streams: RemoteCommandStreams): Promise<RemoteCommandResult> {
    const run = this.running(request);
    this.checkCommand(request.command);
    const rule = this.book.exec(request);
    const place = run.place(request.tty);
    const { tty } = request;
    if (rule?.answer !== undefined) {
      // A scripted answer only writes output, so it ends with its client.
      const signal = AbortSignal.any([run.signal, streams.signal]);
      const scripted = { answer: rule.answer, tty, streams, machine: place.machine, signal };
      return this.track(run.during(runScripted(scripted)));
    }
    const { command: argv, endsWithClient = false } = request;
    const options: ExecOptions = { argv, tty, streams, endsWithClient, execId: this.execId };
    return this.track(run.execute(options, localPlace(place, rule?.local)));
  }

  async attach(ref: ContainerRef, streams: RemoteCommandStreams): Promise<RemoteCommandResult> {
    const run = this.running(ref);
    const container = this.container(ref);
    const rule = this.book.attach(ref);
    if (rule?.error !== undefined) return { kind: 'error', message: rule.error };
    if (rule?.answer !== undefined || rule?.content !== undefined || rule?.logsFile !== undefined) {
      return this.track(this.replay(run, rule, streams, container.spec.tty === true));
    }
    if (container.main !== undefined) return this.track(container.main.attach(streams));
    const opensShell = container.program.isShell === true && container.spec.stdin === true;
    if (!opensShell || streams.stdin === undefined) {
      return this.track(followOutput(run, streams, container.spec.tty === true));
    }
    return this.track(this.attachShell(container, run, streams));
  }

  async logs(request: LogRequest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const container = this.logged(request);
    return openLogs({ container, rule: this.book.logs(request), ...this.time }, request, signal);
  }

  async portForward(request: PortForwardRequest, signal: AbortSignal): Promise<Duplex> {
    const pod = this.pod(request);
    const rule = this.book.portForward(request);
    const connection = await openPort({ pod, port: request.port, rule, execId: this.execId, signal });
    const limitBytes = rule?.disconnectAfterBytes;
    return limitBytes === undefined ? connection : cutConnection(connection, limitBytes, this.time.clock);
  }

  async close(): Promise<void> {
    this.listeners.clear();
    const ended = [...this.pods.values()].map((pod) => this.endPod(pod, 0));
    this.pods.clear();
    await Promise.allSettled([...this.active, ...ended]);
  }

  private async replay(
    run: ContainerRun,
    rule: AttachRule,
    streams: RemoteCommandStreams,
    tty: boolean,
  ): Promise<RemoteCommandResult> {
    const signal = AbortSignal.any([run.signal, streams.signal]);
    const answer = rule.answer ?? {
      stdout: rule.content ?? (await readLogsFile(run, rule.logsFile ?? '')),
    };
    return runScripted({ answer, tty, streams, machine: run.place(tty).machine, signal });
  }

  /**
   * The shell is the container's main process: its output is the log, and its exit ends the container. When only the
   * client leaves, the container keeps running, and the shell ends with its present command.
   */
  private async attachShell(
    container: SandboxContainer,
    run: ContainerRun,
    streams: RemoteCommandStreams,
  ): Promise<RemoteCommandResult> {
    const tty = container.spec.tty === true;
    const tee = { write: async (chunk: Uint8Array) => run.logs.append('stdout', chunk) };
    const shell = { argv: ['sh'], tty, streams, tee, isMain: true, execId: this.execId };
    const result = await run.execute(shell);
    const gone = streams.signal.aborted || run.signal.aborted;
    if (gone || result.kind === 'error') return result;
    // After a shell was left, the next one can be opened at once.
    container.finish(run, { exitCode: result.code }, true);
    return { kind: 'exit', code: 0 };
  }

  private track<T>(work: Promise<T>): Promise<T> {
    this.active.add(work);
    const done = (): void => void this.active.delete(work);
    work.then(done, done);
    return work;
  }
}

async function readLogsFile(run: ContainerRun, path: string): Promise<string> {
  const content = await run.readFile(path);
  if (content === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
  return Buffer.from(content).toString();
}

function localPlace(place: ContainerPlace, local: ExecLocal | undefined): ContainerPlace {
  const env = Object.fromEntries((local?.envs ?? []).map(({ name, value }) => [name, value]));
  return { ...place, cwd: local?.workDir ?? place.cwd, env: { ...place.env, ...env } };
}
