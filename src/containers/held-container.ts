import type { Clock, Timer } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import type { EventSink } from '../core/events.js';
import type { Random } from '../core/random.js';
import type { Container, ContainerState, ContainerStatus, Pod } from '../kube/pod-objects.js';
import { rfc3339 } from '../kube/time.js';
import { BackOff } from './back-off.js';
import { backOffText, type ContainerRole, newsOf, urlOf, withProgram } from './container-words.js';
import { ConfigError } from './environment/resolve.js';
import type { LogStore } from './logs/log-store.js';
import type { ContainerNews, ContainerUsage, LogFile, Termination } from './runtime.js';

/** One run of a container, as far as its record goes. */
export interface HeldRun {
  readonly id: string;
  readonly startedAtMs: number;
  readonly logs: LogStore;
  usage(): Promise<Omit<ContainerUsage, 'restartCount'>>;
}

export interface HeldContainerOptions {
  readonly pod: Pod;
  readonly spec: Container;
  readonly role: ContainerRole;
  readonly clock: Clock;
  /** Wall time in epoch milliseconds. */
  readonly now: () => number;
  readonly emit: EventSink;
  readonly random: Random;
  /** The container as it is to be run. Rejects or throws a ConfigError when what it refers to is missing. */
  readonly resolve: (spec: Container) => Container | Promise<Container>;
  /** For events of its pod. */
  readonly report: (news: ContainerNews) => void;
  /** Called when its state has changed. */
  readonly changed: () => void;
}

interface PastRun {
  readonly id: string;
  readonly logs: LogStore;
  readonly restartCount: number;
}

/** The kubelet's pause before it looks at a pod again, made longer by chance. */
const configRetryMs = 10_000;
const maxJitterMs = 5000;

type Terminated = Extract<ContainerState, { readonly terminated: unknown }>;
type StoppedState = Exclude<ContainerState, { readonly running: unknown }>;

/** One container of a pod over all its runs: what it shows of them, and when the next one starts. */
export abstract class HeldContainer<R extends HeldRun> {
  readonly spec: Container;
  readonly role: ContainerRole;
  /** While it is being started. Never rejects. */
  starting: Promise<void> | undefined;
  private readonly held: HeldContainerOptions;
  private readonly backOff = new BackOff();
  private current: R | undefined;
  /** The last two runs, newest first. */
  private past: readonly PastRun[] = [];
  private stopped: StoppedState;
  /** The end of the run before the one that `stopped`, or the present run, shows. */
  private lastTerminated: Terminated | undefined;
  private restartCount: number;
  private retry: { readonly timer: Timer; readonly fire: () => void } | undefined;
  /** How to record the end of the present run when it was ended from outside. */
  private forced: Termination | undefined;
  private givenId = '';
  private begun = false;
  private closed = false;

  constructor(options: HeldContainerOptions) {
    this.held = options;
    this.spec = options.spec;
    this.role = options.role;
    const {
      containerStatuses,
      initContainerStatuses = [],
      ephemeralContainerStatuses = [],
    } = options.pod.status;
    const given = [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].find(
      ({ name }) => name === options.spec.name,
    );
    this.restartCount = given?.restartCount ?? 0;
    this.stopped = this.waiting;
    if (given === undefined) return;
    const { state, lastState } = given;
    if ('terminated' in lastState) this.lastTerminated = lastState as Terminated;
    if ('running' in state || ('terminated' in state && this.restarts(state.terminated.exitCode))) return;
    // It had ended for good before this kubelet started, or it is to wait.
    this.stopped = state;
    this.givenId = given.containerID;
    this.begun = true;
  }

  /** Starts a run of `spec`, or of what is made of it. Rejects or throws when its main process cannot be started. */
  protected abstract launch(spec: Container): R | Promise<R>;
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
    return (
      this.current === undefined && 'terminated' in this.stopped && this.stopped.terminated.exitCode === 0
    );
  }

  /** For init containers: the next container may be started. */
  get letsNextStart(): boolean {
    const hasRun = this.current !== undefined || this.past.length > 0;
    return this.role === 'sidecar' ? hasRun : this.hasSucceeded;
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
    this.retry?.timer.cancel();
    if (this.starting !== undefined) await this.starting;
    if (this.current === undefined) return;
    if (isFirst) this.report('Killing');
    this.forced = termination;
    await this.endRun(this.current, graceMs);
  }

  /** Kills the run, if there is one, and starts the next without waiting. */
  restart(termination: Termination): void {
    if (this.closed) return;
    if (this.current === undefined) {
      return this.retry?.fire();
    }
    this.forced = termination;
    void this.endRun(this.current, 0);
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
      lastState: this.lastTerminated ?? {},
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
    const { forced, restartCount } = this;
    this.current = undefined;
    this.forced = undefined;
    this.past = [{ id: run.id, logs: run.logs, restartCount }, ...this.past].slice(0, 2);
    const next = forced !== undefined ? 'now' : atOnce ? 'soon' : 'later';
    this.ended(forced ?? termination, run, next);
  }

  private begin(): void {
    this.stopped = this.waiting;
    const failed = (caught: unknown): void => this.notStarted(caught);
    try {
      const spec = this.held.resolve(withProgram(this.spec, this.role));
      // What is read from an API may never come: nobody waits for it.
      if (spec instanceof Promise) void spec.then((found) => this.open(found)).catch(failed);
      else this.open(spec);
    } catch (caught) {
      failed(caught);
    }
  }

  private open(spec: Container): void {
    if (this.closed) return;
    this.report('Pulled');
    this.report('Created');
    const run = this.launch(spec);
    if (!(run instanceof Promise)) return this.started(run);
    this.starting = run.then(
      (begun) => this.started(begun),
      (caught: unknown) => this.notStarted(caught),
    );
  }

  private started(run: R): void {
    this.starting = undefined;
    this.current = run;
    this.report('Started');
    this.emit('role.started', `image ${this.spec.image}`);
    this.held.changed();
  }

  private notStarted(caught: unknown): void {
    this.starting = undefined;
    if (caught instanceof ConfigError) return this.misconfigured(caught.message);
    const { message } = TunnelError.from(caught, 'INTERNAL');
    const startedAtMs = this.held.now();
    this.report('Failed', message);
    this.ended({ exitCode: 128, reason: 'StartError', message }, { startedAtMs }, 'later');
  }

  /** Tried again and again, because what is missing may be made. */
  private misconfigured(message: string): void {
    this.stopped = { waiting: { reason: 'CreateContainerConfigError', message } };
    this.report('Pulled');
    this.report('Failed', message);
    if (this.closed) return;
    const jitterMs = this.held.random.below(maxJitterMs);
    this.retryAfter(configRetryMs + jitterMs, () => this.begin());
  }

  /** `now`: whatever the restart rule says. `soon`: by the rule, but without a pause. */
  private ended(
    termination: Termination,
    { startedAtMs, id }: Pick<HeldRun, 'startedAtMs'> & { readonly id?: string },
    next: 'now' | 'soon' | 'later',
  ): void {
    const { exitCode, reason = exitCode === 0 ? 'Completed' : 'Error', message: said } = termination;
    const { now, changed } = this.held;
    const { spec } = this;
    const times = { startedAt: rfc3339(startedAtMs), finishedAt: rfc3339(now()) };
    const terminated: Terminated = {
      terminated: {
        exitCode,
        reason,
        ...(said === undefined ? {} : { message: said }),
        ...times,
        ...(id === undefined ? {} : { containerID: urlOf(id) }),
      },
    };
    this.stopped = terminated;
    // What a container has said of its own end may be a secret.
    const why = id === undefined ? said : undefined;
    this.emit('role.stopped', why ?? `${reason}, exit code ${exitCode}`);
    if (this.closed || !(next === 'now' || this.restarts(exitCode))) return changed();
    this.lastTerminated = terminated;
    const delayMs = next === 'later' ? this.backOff.next(now() - startedAtMs) : 0;
    if (delayMs === 0) return this.again();
    const message = backOffText(this.held.pod, spec.name, delayMs);
    this.stopped = { waiting: { reason: 'CrashLoopBackOff', message } };
    this.report('BackOff');
    this.retryAfter(delayMs, () => this.again());
  }

  private again(): void {
    this.restartCount++;
    this.begin();
  }

  private retryAfter(delayMs: number, next: () => void): void {
    const { clock, changed } = this.held;
    const fire = (): void => {
      timer.cancel();
      this.retry = undefined;
      next();
    };
    const timer = clock.after(delayMs, fire);
    this.retry = { timer, fire };
    changed();
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
    const { namespace, name } = this.held.pod.metadata;
    this.held.emit({ kind, node: `container/${namespace}/${name}/${this.spec.name}`, text });
  }
}
