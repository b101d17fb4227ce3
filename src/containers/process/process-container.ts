import { join } from 'node:path';
import type { Timer } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import type { EventSink } from '../../core/events.js';
import type { Container, ContainerState, ContainerStatus, Pod } from '../../kube/pod-objects.js';
import { rfc3339 } from '../../kube/time.js';
import { BackOff } from '../back-off.js';
import type { LogStore } from '../logs/log-store.js';
import type { LogFile, Termination } from '../runtime.js';
import { ProcessRun, type ProcessRunOptions } from './process-run.js';

/** What all containers of one runtime share. */
export interface ProcessContext
  extends Pick<ProcessRunOptions, 'clock' | 'now' | 'loadTerminals' | 'logLimitBytes' | 'guardian'> {
  readonly newId: () => string;
  readonly emit: EventSink;
}

/** When an ended container is started again. */
export type RestartRule = 'always' | 'on-failure' | 'never';

export interface ProcessContainerOptions {
  readonly pod: Pod;
  readonly spec: Container;
  readonly context: ProcessContext;
  readonly folder: string;
  readonly restart: RestartRule;
  readonly changed: () => void;
}

interface PastRun {
  readonly id: string;
  readonly logs: LogStore;
  readonly restartCount: number;
}

/** One container of a pod over all its runs. */
export class ProcessContainer {
  readonly spec: Container;
  private readonly options: ProcessContainerOptions;
  private readonly backOff = new BackOff();
  private current: ProcessRun | undefined;
  private past: PastRun | undefined;
  private lastTerminated: Extract<ContainerState, { readonly terminated: unknown }> | undefined;
  private stopped: Exclude<ContainerState, { readonly running: unknown }> = {
    waiting: { reason: 'PodInitializing' },
  };
  private restartCount: number;
  private retry: Timer | undefined;
  private starting: Promise<void> | undefined;
  /** How to record the end of the present run when it was ended from outside. */
  private forced: Termination | undefined;
  private closed = false;

  constructor(options: ProcessContainerOptions) {
    this.options = options;
    this.spec = options.spec;
    const { containerStatuses, ephemeralContainerStatuses = [] } = options.pod.status;
    const given = [...containerStatuses, ...ephemeralContainerStatuses].find(
      ({ name }) => name === options.spec.name,
    );
    this.restartCount = given?.restartCount ?? 0;
    // A container that had ended for good before this kubelet started is not run again.
    if (
      given !== undefined &&
      'terminated' in given.state &&
      !this.restarts(given.state.terminated.exitCode)
    ) {
      this.stopped = given.state;
      this.closed = true;
    }
  }

  private restarts(exitCode: number): boolean {
    const { restart } = this.options;
    return restart === 'always' || (restart === 'on-failure' && exitCode !== 0);
  }

  get run(): ProcessRun | undefined {
    return this.current;
  }

  get stoppedState(): ContainerState {
    return this.stopped;
  }

  get logs(): LogStore | undefined {
    return this.current?.logs ?? this.past?.logs;
  }

  get previousLogs(): LogStore | undefined {
    const stands = this.current === undefined && 'terminated' in this.stopped;
    return stands ? undefined : this.past?.logs;
  }

  /** Starts the first run; resolves when it runs or could not be started. */
  start(): Promise<void> {
    if (this.closed) return Promise.resolve();
    this.stopped = { waiting: { reason: 'ContainerCreating' } };
    this.starting = this.begin();
    return this.starting;
  }

  /** Ends it for good; resolves when no process is left. */
  async stop(graceMs: number): Promise<void> {
    this.closed = true;
    this.retry?.cancel();
    await this.starting;
    const run = this.current;
    if (graceMs > 0) await run?.end(graceMs);
    else await run?.kill();
  }

  /** Kills the run, if there is one, and starts the next without waiting. */
  restart(termination: Termination): void {
    if (this.closed) return;
    this.forced = termination;
    if (this.current !== undefined) void this.current.kill();
    else if (this.retry !== undefined) this.again();
  }

  status(): ContainerStatus {
    const { current, spec } = this;
    const id = current?.id ?? this.past?.id;
    return {
      name: spec.name,
      image: spec.image,
      imageID: spec.image,
      containerID: id === undefined ? '' : `konnsim://${id}`,
      ready: current !== undefined,
      started: current !== undefined,
      restartCount: this.restartCount,
      state: current === undefined ? this.stopped : { running: { startedAt: rfc3339(current.startedAtMs) } },
      lastState: 'terminated' in this.stopped && current === undefined ? {} : (this.lastTerminated ?? {}),
    };
  }

  /** The logs of the last two runs. */
  logFiles(): readonly LogFile[] {
    const { current, past, restartCount, spec } = this;
    const { namespace, name, uid } = this.options.pod.metadata;
    const file = (run: PastRun): LogFile => ({
      pod: { namespace, name, uid },
      container: spec.name,
      containerId: run.id,
      restartCount: run.restartCount,
      store: run.logs,
    });
    const present = current === undefined ? [] : [{ id: current.id, logs: current.logs, restartCount }];
    return [...present, ...(past === undefined ? [] : [past])].map(file);
  }

  private async begin(): Promise<void> {
    const { pod, context, folder } = this.options;
    if (this.closed) return;
    const id = context.newId();
    const options = {
      ...context,
      id,
      pod,
      container: this.spec,
      folder: join(folder, `${this.spec.name}-${id.slice(0, 12)}`),
    };
    try {
      const run = await ProcessRun.start(options);
      this.current = run;
      this.emit('role.started', `image ${this.spec.image}`);
      void run.ended.then((code) => this.runEnded(run, code));
    } catch (caught) {
      const message = TunnelError.from(caught, 'INTERNAL').message;
      this.ended({ exitCode: 128, reason: 'StartError' }, { startedAtMs: context.now(), message });
    }
    this.options.changed();
  }

  private runEnded(run: ProcessRun, code: number): void {
    const { forced, restartCount } = this;
    this.current = undefined;
    this.forced = undefined;
    this.past = { id: run.id, logs: run.logs, restartCount };
    this.ended(forced ?? { exitCode: code }, { startedAtMs: run.startedAtMs }, forced !== undefined);
    this.options.changed();
  }

  /** Records the end of a run and decides what comes next. */
  private ended(
    { exitCode, reason = exitCode === 0 ? 'Completed' : 'Error' }: Termination,
    { startedAtMs, message }: { readonly startedAtMs: number; readonly message?: string },
    atOnce = false,
  ): void {
    const { context } = this.options;
    const finishedAtMs = context.now();
    const said = message === undefined ? {} : { message };
    const times = { startedAt: rfc3339(startedAtMs), finishedAt: rfc3339(finishedAtMs) };
    this.lastTerminated = { terminated: { exitCode, reason, ...said, ...times } };
    this.stopped = this.lastTerminated;
    this.emit('role.stopped', message ?? `${reason}, exit code ${exitCode}`);
    if (this.closed || !(this.restarts(exitCode) || atOnce)) return;
    const delayMs = atOnce ? 0 : this.backOff.next(finishedAtMs - startedAtMs);
    if (delayMs > 0)
      this.stopped = { waiting: { reason: 'CrashLoopBackOff', message: this.backOffText(delayMs) } };
    this.retry = context.clock.after(delayMs, () => this.again());
  }

  private again(): void {
    this.retry?.cancel();
    this.retry = undefined;
    this.restartCount++;
    this.stopped = { waiting: { reason: 'ContainerCreating' } };
    this.starting = this.begin();
  }

  private backOffText(delayMs: number): string {
    const { name, namespace, uid } = this.options.pod.metadata;
    const seconds = delayMs / 1000;
    const delay = seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
    return `back-off ${delay} restarting failed container=${this.spec.name} pod=${name}_${namespace}(${uid})`;
  }

  private emit(kind: 'role.started' | 'role.stopped', text: string): void {
    const { namespace, name } = this.options.pod.metadata;
    this.options.context.emit({ kind, node: `container/${namespace}/${name}/${this.spec.name}`, text });
  }
}
