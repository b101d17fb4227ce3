import type { Timer } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import type { Random } from '../core/random.js';
import type { Container, ContainerState, ContainerStatus, Pod } from '../kube/pod-objects.js';
import { rfc3339 } from '../kube/time.js';
import { BackOff } from './back-off.js';
import { ContainerRun, hexId, type SandboxTime } from './container-run.js';
import type { LogStore } from './logs/log-store.js';
import { commandOf, MainCommand } from './main-command.js';
import type { Program } from './programs/program.js';
import { noProgram, programOf } from './programs/table.js';
import type { ContainerUsage, LogFile, Termination } from './runtime.js';

export interface SandboxContainerOptions {
  readonly pod: Pod;
  readonly spec: Container;
  readonly time: SandboxTime;
  readonly random: Random;
  readonly emit: EventSink;
  readonly logLimitBytes: number | undefined;
  /** An init container: it ends at once, with success. */
  readonly isInit?: boolean;
  /** Never restarted, whatever the pod's restart policy is: for debugging containers. */
  readonly runsOnce?: boolean;
  /** Called when its state has changed. */
  readonly changed?: () => void;
}

/** One container of a pod over all its runs. */
export class SandboxContainer {
  readonly spec: Container;
  readonly program: Program;
  private readonly options: SandboxContainerOptions;
  private current: ContainerRun | undefined;
  private lastRun: ContainerRun | undefined;
  private lastTerminated: Extract<ContainerState, { terminated: unknown }> | undefined;
  /** The state while no run is in progress. */
  private stopped: ContainerState = { waiting: { reason: 'ContainerCreating' } };
  private restartCount: number;
  private readonly argv: readonly string[] | undefined;
  private command: MainCommand | undefined;
  private readonly backOff = new BackOff();
  private retry: Timer | undefined;

  /** Starts at once, unless the pod's status says that the container waits or has ended. */
  constructor(options: SandboxContainerOptions) {
    this.options = options;
    this.spec = options.spec;
    this.argv = commandOf(options.spec);
    this.program = this.argv === undefined ? programOf(options.spec) : noProgram;
    const { status } = options.pod;
    const all = [...status.containerStatuses, ...(status.ephemeralContainerStatuses ?? [])];
    const given = all.find(({ name }) => name === options.spec.name);
    this.restartCount = given?.restartCount ?? 0;
    if (given === undefined || 'running' in given.state) this.start();
    else this.stopped = given.state;
    if (options.isInit === true) this.stop({ exitCode: 0 });
  }

  /** The main process, where the spec names a command. */
  get main(): MainCommand | undefined {
    return this.command;
  }

  get run(): ContainerRun | undefined {
    return this.current;
  }

  /** The state of a container without a run; has no meaning during a run. */
  get stoppedState(): ContainerState {
    return this.stopped;
  }

  /** The log of the present run, or of the last one. */
  get logs(): LogStore | undefined {
    return this.current?.logs ?? ('terminated' in this.stopped ? this.lastRun?.logs : undefined);
  }

  get previousLogs(): LogStore | undefined {
    return this.current === undefined ? undefined : this.lastRun?.logs;
  }

  /** Ends the run for good. */
  stop(termination: Termination): void {
    this.retry?.cancel();
    const { current } = this;
    if (current === undefined) return;
    this.current = undefined;
    this.command = undefined;
    current.end();
    const { exitCode, reason = exitCode === 0 ? 'Completed' : 'Error' } = termination;
    const startedAt = rfc3339(current.startedAtMs);
    this.lastTerminated = {
      terminated: { exitCode, reason, startedAt, finishedAt: rfc3339(this.options.time.now()) },
    };
    this.stopped = this.lastTerminated;
    this.lastRun = current;
    this.options.emit({ kind: 'role.stopped', node: this.node, text: `${reason}, exit code ${exitCode}` });
    this.options.changed?.();
  }

  /** Ends the run, if there is one, and starts the next. */
  restart(termination: Termination): void {
    this.stop(termination);
    this.restartCount++;
    this.start();
  }

  /** The pod's restart policy, after the main process ended by itself. Repeated ends are followed by a pause. */
  finish(termination: Termination, atOnce = false): void {
    const { current } = this;
    if (current === undefined) return;
    if (!this.restarts(termination.exitCode)) return this.stop(termination);
    const { clock, now } = this.options.time;
    const delayMs = atOnce ? 0 : this.backOff.next(now() - current.startedAtMs);
    if (delayMs === 0) return this.restart(termination);
    this.stop(termination);
    this.stopped = { waiting: { reason: 'CrashLoopBackOff' } };
    this.retry = clock.after(delayMs, () => this.restart(termination));
    this.options.changed?.();
  }

  private restarts(exitCode: number): boolean {
    const { pod, runsOnce = false } = this.options;
    if (runsOnce) return false;
    const policy = pod.spec.restartPolicy ?? 'Always';
    return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
  }

  status(): ContainerStatus {
    const { current } = this;
    const { name, image } = this.spec;
    const id = (current ?? this.lastRun)?.id;
    return {
      name,
      image,
      imageID: image,
      containerID: id === undefined ? '' : `konnsim://${id}`,
      ready: current !== undefined,
      started: current !== undefined,
      restartCount: this.restartCount,
      state: current === undefined ? this.stopped : { running: { startedAt: rfc3339(current.startedAtMs) } },
      lastState: 'terminated' in this.stopped && current === undefined ? {} : (this.lastTerminated ?? {}),
    };
  }

  async usage(): Promise<ContainerUsage | undefined> {
    const { current, restartCount } = this;
    if (current === undefined) return undefined;
    const { name, image } = this.spec;
    return { name, image, restartCount, ...(await current.usage()) };
  }

  /** The logs of the last two runs. */
  logFiles(): readonly LogFile[] {
    const { current, lastRun, restartCount } = this;
    const { namespace, name, uid } = this.options.pod.metadata;
    const file = (run: ContainerRun, count: number): LogFile => ({
      pod: { namespace, name, uid },
      container: this.spec.name,
      containerId: run.id,
      restartCount: count,
      store: run.logs,
    });
    const present = current === undefined ? [] : [file(current, restartCount)];
    const before = Math.max(0, current === undefined ? restartCount : restartCount - 1);
    return [...present, ...(lastRun === undefined ? [] : [file(lastRun, before)])];
  }

  private start(): void {
    const { pod, spec, time, random, logLimitBytes } = this.options;
    this.current = new ContainerRun({
      pod,
      container: spec,
      program: this.program,
      time,
      random,
      logLimitBytes,
      lost: (termination) => this.finish(termination),
    });
    this.options.emit({ kind: 'role.started', node: this.node, text: `image ${spec.image}` });
    if (this.argv !== undefined && this.options.isInit !== true) this.startCommand(this.current, this.argv);
    this.options.changed?.();
  }

  private startCommand(run: ContainerRun, argv: readonly string[]): void {
    const { spec, random } = this.options;
    const command = new MainCommand({ run, container: spec, argv, execId: () => hexId(random) });
    this.command = command;
    void command.ended.then((result) => {
      if (this.command !== command) return;
      this.finish(
        result.kind === 'exit' ? { exitCode: result.code } : { exitCode: 128, reason: 'StartError' },
      );
    });
  }

  private get node(): string {
    const { namespace, name } = this.options.pod.metadata;
    return `container/${namespace}/${name}/${this.spec.name}`;
  }
}
