import type { Timer } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import type { Container, ContainerState, ContainerStatus } from '../kube/pod-objects.js';
import { rfc3339 } from '../kube/time.js';
import { BackOff } from './back-off.js';
import { hexId } from './container-run.js';
import { backOffText, type ContainerRole, newsOf, urlOf, withProgram } from './container-words.js';
import type { HeldContainerOptions, HeldRun } from './held-options.js';
import { LogStore } from './logs/log-store.js';
import { givenStatus } from './pod-status.js';
import type { ContainerNews, ContainerUsage, LogFile, Termination } from './runtime.js';
import { type Terminated, terminatedState } from './terminated-state.js';

interface PastRun {
  readonly id: string;
  readonly logs: LogStore;
  readonly restartCount: number;
}

/** The kubelet's pause before it looks at a pod again, made longer by chance. */
const configRetryMs = 10_000;
const maxJitterMs = 5000;
/** The kubelet looks that often at what has become of its containers. */
const lookAgainMs = 1000;

type StoppedState = Exclude<ContainerState, { readonly running: unknown }>;

/** One container of a pod over all its runs: what it shows of them, and when the next one starts. */
export abstract class HeldContainer<R extends HeldRun> {
  /** As the pod has it now. The present run may still be of an earlier one. */
  spec: Container;
  readonly role: ContainerRole;
  /** While it is being started. Never rejects. */
  starting: Promise<void> | undefined;
  private readonly held: HeldContainerOptions;
  private backOff = new BackOff();
  private current: R | undefined;
  /** The last two runs, newest first. */
  private past: readonly PastRun[] = [];
  private stopped: StoppedState;
  /** The last two ends, newest first. */
  private ends: readonly Terminated[] = [];
  private restartCount: number;
  private wasCreated = false;
  private hasStarted = false;
  private retry: Timer | undefined;
  /** How to record the end of the present run when it was ended from outside. */
  private forced: Termination | undefined;
  /** The present run is ended because its spec has changed. */
  private isOutdated = false;
  private givenId = '';
  private begun = false;
  private closed = false;

  constructor(options: HeldContainerOptions) {
    this.held = options;
    this.spec = options.spec;
    this.role = options.role;
    const given = givenStatus(options.pod, options.spec.name);
    this.restartCount = given?.restartCount ?? 0;
    this.stopped = this.waiting;
    if (given === undefined) return;
    const { state, lastState } = given;
    const shown: readonly ContainerStatus['lastState'][] = [state, lastState];
    this.ends = shown.filter((each): each is Terminated => 'terminated' in each);
    if ('running' in state || ('terminated' in state && this.restarts(state.terminated.exitCode))) return;
    // It had ended for good before this kubelet started, or it is to wait.
    this.stopped = state;
    this.givenId = given.containerID;
    this.begun = true;
  }

  /** Starts a run of `spec`, or of what is made of it. Rejects or throws when its main process cannot be started. */
  protected abstract launch(spec: Container, id: string): R | Promise<R>;
  /** Ends a run, by force after `graceMs`. `runEnded` is called for it before this resolves. */
  protected abstract endRun(run: R, graceMs: number): Promise<void>;

  get run(): R | undefined {
    return this.current;
  }

  /** Has no meaning while the container runs. */
  get stoppedState(): ContainerState {
    return this.stopped;
  }

  /** It has ended for good. */
  get isOver(): boolean {
    return this.current === undefined && 'terminated' in this.stopped;
  }

  private get hasSucceeded(): boolean {
    const { isOver, stopped } = this;
    return isOver && 'terminated' in stopped && stopped.terminated.exitCode === 0;
  }

  /** For init containers: the next container may be started. */
  get letsNextStart(): boolean {
    return this.role === 'sidecar' ? this.hasStarted : this.hasSucceeded;
  }

  /** The log of the present run, or of the last one, also while it waits for the next. */
  get logs(): LogStore | undefined {
    return this.current?.logs ?? this.past[0]?.logs;
  }

  get previousLogs(): LogStore | undefined {
    return this.past[this.isOver ? 1 : 0]?.logs;
  }

  /** Starts the first run; further calls have no effect. */
  start(): void {
    if (this.begun || this.closed) return;
    this.begun = true;
    this.begin();
  }

  /** Ends it for good; resolves when nothing of it is left. */
  async stop(graceMs: number, termination?: Termination): Promise<void> {
    const isFirst = !this.closed;
    this.closed = true;
    this.retry?.cancel();
    if (this.starting !== undefined) await this.starting;
    if (this.current === undefined) return this.stopWaiting();
    if (isFirst) this.report('Killing');
    this.forced = termination;
    await this.endRun(this.current, graceMs);
  }

  /** Kills the run, if there is one or soon will be, and starts the next without waiting. */
  restart(termination: Termination): void {
    if (this.closed) return;
    if (this.starting !== undefined) return void this.starting.then(() => this.restart(termination));
    if (this.current === undefined) return this.waitNoLonger();
    this.forced = termination;
    void this.endRun(this.current, 0);
  }

  /** Takes over another image: its run is ended, and the next one starts, whatever the restart policy says. */
  change(spec: Container, graceMs: number): void {
    if (this.closed || spec.image === this.spec.image) return;
    this.spec = spec;
    this.backOff = new BackOff();
    if (this.starting === undefined) return this.replace(graceMs);
    // What is being started is of an earlier image. It is replaced once, however many images come by then.
    void this.starting.then(() => this.spec === spec && this.replace(graceMs));
  }

  status(): ContainerStatus {
    const { current, spec, role } = this;
    const id = current?.id ?? this.past[0]?.id;
    return {
      name: spec.name,
      image: spec.image,
      imageID: spec.image,
      containerID: id === undefined ? this.givenId : urlOf(id),
      ready: current === undefined ? role === 'init' && this.hasSucceeded : role !== 'init',
      started: current !== undefined,
      restartCount: this.restartCount,
      state: current === undefined ? this.stopped : { running: { startedAt: rfc3339(current.startedAtMs) } },
      lastState: this.ends[this.isOver ? 1 : 0] ?? {},
    };
  }

  async usage(): Promise<ContainerUsage | undefined> {
    const { current, restartCount } = this;
    return current === undefined ? undefined : { ...(await current.usage()), restartCount };
  }

  /** The logs of the last runs. */
  logFiles(): readonly LogFile[] {
    const { current, past, restartCount, spec } = this;
    const { namespace, name, uid } = this.held.pod.metadata;
    const present = current === undefined ? [] : [{ id: current.id, logs: current.logs, restartCount }];
    return [...present, ...past].slice(0, 2).map((run) => ({
      pod: { namespace, name, uid },
      container: spec.name,
      containerId: run.id,
      restartCount: run.restartCount,
      store: run.logs,
    }));
  }

  /** Records the end of a run, which is followed by the next `atOnce` or after a pause, if by any. */
  protected runEnded(run: R, termination: Termination, atOnce = false): void {
    if (this.current !== run) return;
    const { forced, restartCount, held } = this;
    const { id, startedAtMs, logs } = run;
    this.current = undefined;
    this.forced = undefined;
    this.past = [{ id, logs, restartCount }, ...this.past].slice(0, 2);
    const finishedAtMs = held.now();
    const end = terminatedState(forced ?? termination, { id, startedAtMs, finishedAtMs });
    const { reason, exitCode } = end.terminated;
    const isAskedFor = forced !== undefined || this.isOutdated;
    this.isOutdated = false;
    // What a container has said of its own end may be a secret.
    if (!this.record(end, `${reason}, exit code ${exitCode}`, isAskedFor)) return;
    this.pause(isAskedFor || atOnce ? 0 : this.backOff.next(finishedAtMs - startedAtMs));
  }

  /** Nothing more is started, so it shows its last end. */
  private stopWaiting(): void {
    const [end] = this.ends;
    if (end === undefined || this.isOver) return;
    this.stopped = end;
    this.held.changed();
  }

  /** Ends a run whose spec has changed. */
  private replace(graceMs: number): void {
    if (this.closed) return;
    if (this.current === undefined) return this.waitNoLonger();
    this.report('Killing', `Container ${this.spec.name} definition changed, will be restarted`);
    this.isOutdated = true;
    void this.endRun(this.current, graceMs);
  }

  private waitNoLonger(): void {
    if (this.retry === undefined) return;
    this.retry.cancel();
    this.retry = undefined;
    this.begin();
  }

  private begin(): void {
    if (this.closed) return;
    this.stopped = this.waiting;
    const wanted = this.spec;
    // Whatever is wrong before it is created is a fault of what its spec refers to.
    const failed = (caught: unknown): void =>
      this.misconfigured(TunnelError.from(caught, 'INTERNAL').message);
    try {
      const spec = this.held.resolve(withProgram(wanted, this.role));
      // An API may answer late or never, so this does not wait. Another image may be wanted by then.
      const read = (found: Container): void => (this.spec === wanted ? this.open(found) : this.begin());
      if (spec instanceof Promise) void spec.then(read, failed);
      else this.open(spec);
    } catch (caught) {
      failed(caught);
    }
  }

  private open(spec: Container): void {
    if (this.closed) return;
    if (this.wasCreated) this.restartCount++;
    this.wasCreated = true;
    this.report('Pulled');
    this.report('Created');
    const id = hexId(this.held.random);
    const failed = (caught: unknown): void => this.notStarted(id, caught);
    try {
      const run = this.launch(spec, id);
      if (!(run instanceof Promise)) return this.started(run, spec);
      this.starting = run.then((begun) => this.started(begun, spec), failed);
    } catch (caught) {
      failed(caught);
    }
  }

  private started(run: R, { image }: Container): void {
    this.starting = undefined;
    this.current = run;
    this.hasStarted = true;
    this.report('Started');
    this.emit('role.started', `image ${image}`);
    this.held.changed();
  }

  /** The container was created, with an empty log; its main process could not be started. */
  private notStarted(id: string, caught: unknown): void {
    this.starting = undefined;
    const { message } = TunnelError.from(caught, 'INTERNAL');
    const { now } = this.held;
    const logs = new LogStore({ now });
    logs.close();
    this.past = [{ id, logs, restartCount: this.restartCount }, ...this.past].slice(0, 2);
    this.report('Failed', message);
    const termination = { exitCode: 128, reason: 'StartError', message };
    if (!this.record(terminatedState(termination, { id, startedAtMs: 0, finishedAtMs: now() }), message))
      return;
    const delayMs = this.backOff.next(0);
    this.stopped = { waiting: { reason: 'RunContainerError', message } };
    this.retryAfter(lookAgainMs, () => this.pause(delayMs, lookAgainMs));
  }

  /** Tried again and again, because what is missing may be made. */
  private misconfigured(message: string): void {
    if (this.closed) return;
    this.stopped = { waiting: { reason: 'CreateContainerConfigError', message } };
    this.report('Pulled');
    this.report('Failed', message);
    const jitterMs = this.held.random.below(maxJitterMs);
    this.retryAfter(configRetryMs + jitterMs, () => this.begin());
  }

  /** Takes an end down. Returns whether there will be another run: by the restart rule, or because one was asked for. */
  private record(terminated: Terminated, text: string, isAskedFor = false): boolean {
    this.stopped = terminated;
    this.ends = [terminated, ...this.ends].slice(0, 2);
    this.emit('role.stopped', text);
    const goesOn = !this.closed && (isAskedFor || this.restarts(terminated.terminated.exitCode));
    if (!goesOn) this.held.changed();
    return goesOn;
  }

  /** Waits for the next run. `spentMs` of the time are over. */
  private pause(delayMs: number, spentMs = 0): void {
    if (delayMs === 0) return this.begin();
    const message = backOffText(this.held.pod, this.spec.name, delayMs);
    this.stopped = { waiting: { reason: 'CrashLoopBackOff', message } };
    this.report('BackOff');
    this.retryAfter(delayMs - spentMs, () => this.begin());
  }

  private retryAfter(delayMs: number, next: () => void): void {
    this.retry = this.held.clock.after(delayMs, () => {
      this.retry = undefined;
      next();
    });
    this.held.changed();
  }

  private restarts(exitCode: number): boolean {
    if (this.role === 'sidecar') return true;
    if (this.role === 'ephemeral') return false;
    const policy = this.held.pod.spec.restartPolicy ?? 'Always';
    if (policy === 'Always' && this.role === 'main') return true;
    return policy !== 'Never' && exitCode !== 0;
  }

  private get waiting(): StoppedState {
    const { initContainers = [] } = this.held.pod.spec;
    return { waiting: { reason: initContainers.length > 0 ? 'PodInitializing' : 'ContainerCreating' } };
  }

  protected report(reason: ContainerNews['reason'], message?: string): void {
    const { pod, report } = this.held;
    report(newsOf({ pod, spec: this.spec, role: this.role, reason, message }));
  }

  private emit(kind: 'role.started' | 'role.stopped', text: string): void {
    const { metadata, spec } = this.held.pod;
    const node = `container/${metadata.namespace}/${metadata.name}/${this.spec.name}`;
    this.held.emit({ kind, node, peer: `kubelet/${spec.nodeName}`, text });
  }
}
