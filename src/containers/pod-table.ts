import { type ErrorCode, TunnelError } from '../core/errors.js';
import type { Container, Pod } from '../kube/pod-objects.js';
import type { ContainerRef, LogFile, NodeRuntime, Termination } from './runtime.js';
import { currentPod, type PodContainers } from './sandbox-pod.js';

/** A container as far as a table of pods goes. */
interface HeldContainer {
  readonly spec: Container;
  readonly run: object | undefined;
  restart(termination: Termination): void;
  logFiles(): readonly LogFile[];
}

interface HeldPod<C> extends PodContainers {
  readonly containers: readonly C[];
}

type PodName = Pick<ContainerRef, 'namespace' | 'pod' | 'uid'>;
type ChangeListener = Parameters<NodeRuntime['onChange']>[0];

/** How a container ends that is killed. */
export const killed: Termination = { exitCode: 137, reason: 'Error' };

/** The pods of a runtime by their names, and what is the same for each kind of containers. */
export abstract class PodTable<P extends HeldPod<C>, C extends HeldContainer> {
  protected readonly pods = new Map<string, P>();
  protected readonly listeners = new Set<ChangeListener>();
  private readonly nodeName: string;

  constructor(nodeName: string) {
    this.nodeName = nodeName;
  }

  protected abstract createPod(pod: Pod): P;
  /** RFC 3339. */
  protected abstract readonly startTime: string;

  addPod(pod: Pod): void {
    const { namespace, name } = pod.metadata;
    const key = `${namespace}/${name}`;
    if (this.pods.has(key)) throw this.error('BAD_REQUEST', `pod "${name}" already exists`);
    this.pods.set(key, this.createPod(pod));
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

  hasTerminal(ref: ContainerRef): boolean {
    return this.container(ref).spec.tty === true;
  }

  restartContainer(ref: ContainerRef, termination: Termination = killed): void {
    this.container(ref).restart(termination);
  }

  logFiles(): readonly LogFile[] {
    return this.all().flatMap((container) => container.logFiles());
  }

  protected all(): readonly C[] {
    return [...this.pods.values()].flatMap(({ containers }) => containers);
  }

  protected changed({ namespace, name }: Pod['metadata']): void {
    for (const listener of [...this.listeners]) listener({ namespace, name });
  }

  protected pod(name: PodName): P {
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
    return run;
  }

  protected checkCommand(command: readonly string[]): void {
    if (command.length > 0) return;
    throw this.error('BAD_REQUEST', 'you must specify at least one command for the container');
  }

  protected error(code: ErrorCode, message: string): TunnelError {
    return new TunnelError(code, message, { where: `kubelet ${this.nodeName}` });
  }

  private noContainer({ container }: ContainerRef): TunnelError {
    return this.error('CONTAINER_NOT_FOUND', `container not found ("${container}")`);
  }

  private find({ namespace, pod, uid }: PodName): P | undefined {
    const found = this.pods.get(`${namespace}/${pod}`);
    return uid !== undefined && found?.pod.metadata.uid !== uid ? undefined : found;
  }
}

function named<C extends HeldContainer>(pod: HeldPod<C>, name: string): C | undefined {
  return pod.containers.find(({ spec }) => spec.name === name);
}
