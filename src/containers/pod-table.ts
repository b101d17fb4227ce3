import { type ErrorCode, TunnelError } from '../core/errors.js';
import type { Random } from '../core/random.js';
import type { Pod } from '../kube/pod-objects.js';
import { rfc3339 } from '../kube/time.js';
import { hexId } from './container-run.js';
import { type EnvironmentSources, resolveContainer, withoutApi } from './environment/resolve.js';
import type { HeldContainer } from './held-container.js';
import type { HeldContainerOptions, HeldRun } from './held-options.js';
import { HeldPod } from './held-pod.js';
import { currentPod } from './pod-status.js';
import type { ContainerNews, ContainerRef, LogFile, NodeRuntime, PodUsage, Termination } from './runtime.js';

/** What the containers of a table share. */
export type TableOptions = Pick<HeldContainerOptions, 'clock' | 'now' | 'emit'> & {
  readonly nodeName: string;
  readonly random: Random;
};

type PodName = Pick<ContainerRef, 'namespace' | 'pod' | 'uid'>;
type NewsListener = Parameters<NodeRuntime['onNews']>[0];
type ChangeListener = Parameters<NodeRuntime['onChange']>[0];

/** News that nobody has heard yet: those of the pods that run before the API is known. */
const maxUnheard = 100;

/** How a container ends that is killed. */
export const killed: Termination = { exitCode: 137, reason: 'Error' };

/** The pods of a runtime by their names, and what is the same for each kind of containers. */
export abstract class PodTable<C extends HeldContainer<HeldRun>> {
  protected readonly pods = new Map<string, HeldPod<C>>();
  protected readonly listeners = new Set<ChangeListener>();
  private readonly shared: TableOptions;
  private sources = withoutApi;
  private tellNews: NewsListener | undefined;
  private unheard: Parameters<NewsListener>[] = [];
  private readonly startTime: string;

  constructor(options: TableOptions) {
    this.shared = options;
    this.startTime = rfc3339(options.now());
  }

  protected abstract createContainer(options: HeldContainerOptions): C;
  /** Called when nothing of a pod runs any more. */
  protected abstract removeFiles(pod: Pod): Promise<void>;

  addPod(pod: Pod): void {
    const { namespace, name } = pod.metadata;
    const key = `${namespace}/${name}`;
    if (this.pods.has(key)) throw this.error('BAD_REQUEST', `pod "${name}" already exists`);
    const { clock, now, emit, random } = this.shared;
    const changed = (): void => {
      held.advance();
      for (const listener of [...this.listeners]) listener({ namespace, name });
    };
    const resolve: HeldContainerOptions['resolve'] = (spec) => resolveContainer(held.pod, spec, this.sources);
    const report = (news: ContainerNews): void => this.report(held.pod.metadata, news);
    const held: HeldPod<C> = new HeldPod<C>({
      pod,
      sandboxId: hexId(random),
      create: (spec, role) =>
        this.createContainer({ pod, spec, role, clock, now, emit, random, resolve, report, changed }),
      now,
    });
    this.pods.set(key, held);
    held.advance();
  }

  updatePod(pod: Pod): void {
    this.pod({ namespace: pod.metadata.namespace, pod: pod.metadata.name }).update(pod);
  }

  useSources(sources: EnvironmentSources): void {
    this.sources = sources;
  }

  async stopPod(namespace: string, name: string, graceMs: number): Promise<void> {
    await this.pod({ namespace, pod: name }).stop(graceMs);
  }

  removePod(namespace: string, name: string, graceMs?: number): Promise<void> {
    const pod = this.pod({ namespace, pod: name });
    const ended = this.endPod(pod, graceMs);
    const key = `${namespace}/${name}`;
    // Another pod may have its name by then.
    const forget = (): void => {
      if (this.pods.get(key) === pod) this.pods.delete(key);
    };
    if (pod.hasStopped) forget();
    return ended.then(forget);
  }

  protected async endPod(pod: HeldPod<C>, graceMs?: number): Promise<void> {
    await pod.stop(graceMs);
    await this.removeFiles(pod.pod);
  }

  usage(): Promise<readonly PodUsage[]> {
    return Promise.all([...this.pods.values()].map((pod) => pod.usage()));
  }

  onNews(listener: NewsListener): () => void {
    this.tellNews = listener;
    for (const each of this.unheard.splice(0)) listener(...each);
    return () => {
      if (this.tellNews === listener) this.tellNews = undefined;
    };
  }

  onChange(listener: ChangeListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  listPods(): readonly Pod[] {
    const { startTime } = this;
    return [...this.pods.values()].map((pod) => currentPod(pod, startTime));
  }

  checkContainer(ref: ContainerRef): void {
    this.container(ref);
  }

  checkRunning(ref: ContainerRef): void {
    this.running(ref);
  }

  hasTerminal(ref: ContainerRef): boolean {
    return this.container(ref).spec.tty === true;
  }

  restartContainer(ref: ContainerRef, termination: Termination = killed): void {
    this.container(ref).restart(termination);
  }

  logFiles(): readonly LogFile[] {
    return this.all().flatMap((container) => container.logFiles());
  }

  private report(...news: Parameters<NewsListener>): void {
    if (this.tellNews !== undefined) this.tellNews(...news);
    else if (this.unheard.length < maxUnheard) this.unheard.push(news);
  }

  protected all(): readonly C[] {
    return [...this.pods.values()].flatMap(({ containers }) => containers);
  }

  protected pod(name: PodName): HeldPod<C> {
    const found = this.find(name);
    if (found === undefined) throw this.error('POD_NOT_FOUND', 'pod does not exist');
    return found;
  }

  protected container(ref: ContainerRef): C {
    const found = named(this.pod(ref), ref.container);
    if (found === undefined) throw this.noContainer(ref);
    return found;
  }

  /** The container whose logs are wanted, with a kubelet's texts for one that is not there. */
  protected logged(ref: ContainerRef): C {
    const pod = this.find(ref);
    if (pod === undefined) throw this.error('POD_NOT_FOUND', `pod "${ref.pod}" does not exist`);
    const found = named(pod, ref.container);
    if (found !== undefined) return found;
    const text = `container "${ref.container}" not found in pod "${ref.pod}"`;
    throw this.error('CONTAINER_NOT_FOUND', text);
  }

  protected running(ref: ContainerRef): NonNullable<C['run']> {
    const { run } = this.container(ref);
    if (run === undefined) throw this.noContainer(ref);
    return run as NonNullable<C['run']>;
  }

  protected checkCommand(command: readonly string[]): void {
    if (command.length > 0) return;
    throw this.error('BAD_REQUEST', 'you must specify at least one command for the container');
  }

  protected error(code: ErrorCode, message: string): TunnelError {
    return new TunnelError(code, message, { where: `kubelet ${this.shared.nodeName}` });
  }

  private noContainer({ container }: ContainerRef): TunnelError {
    return this.error('CONTAINER_NOT_FOUND', `container not found ("${container}")`);
  }

  private find({ namespace, pod, uid }: PodName): HeldPod<C> | undefined {
    const found = this.pods.get(`${namespace}/${pod}`);
    return uid !== undefined && found?.pod.metadata.uid !== uid ? undefined : found;
  }
}

function named<C extends HeldContainer<HeldRun>>(pod: HeldPod<C>, name: string): C | undefined {
  return pod.containers.find(({ spec }) => spec.name === name);
}
