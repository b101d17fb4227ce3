import type { Duplex } from 'node:stream';
import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import type { EventSink } from '../../core/events.js';
import type { Random } from '../../core/random.js';
import { createWallClock } from '../../core/wall-clock.js';
import type { Pod } from '../../kube/pod-objects.js';
import { rfc3339 } from '../../kube/time.js';
import type { RemoteCommandResult, RemoteCommandStreams } from '../../streams/types.js';
import { hexId } from '../container-run.js';
import { dialTarget, refusedText } from '../port-forward.js';
import { openLogs } from '../read-logs.js';
import type {
  ContainerRef,
  ExecRequest,
  LogFile,
  LogRequest,
  NodeRuntime,
  PodUsage,
  PortForwardRequest,
  Termination,
} from '../runtime.js';
import { currentPod } from '../sandbox-pod.js';
import { createRoot } from './folders.js';
import { startGuardian } from './guardian.js';
import type { ProcessContainer, ProcessContext } from './process-container.js';
import { ProcessPod } from './process-pod.js';
import type { ProcessRun } from './process-run.js';
import { loadTerminalLibrary, type TerminalLibrary } from './terminal-child.js';

export interface ProcessRuntimeOptions {
  readonly nodeName: string;
  readonly pods: readonly Pod[];
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  /** Wall time at the start, in epoch milliseconds; the machine's when absent. */
  readonly startTimeMs?: number;
  /** Most bytes that a container's log keeps; 10 MiB when absent. */
  readonly logLimitBytes?: number;
  /** Where the folder of the containers is made; the folder for temporary files when absent. */
  readonly folder?: string;
  /** How long `close` lets processes end by themselves. Default 500 ms. */
  readonly closeGraceMs?: number;
  /** Loads the library of pseudo-terminals when a terminal is first wanted. */
  readonly loadTerminals?: () => Promise<TerminalLibrary>;
}

/** Containers as processes of this host, with the rights of whoever runs this. */
export interface ProcessRuntime extends NodeRuntime {
  /** The folder that holds the containers' folders, until the runtime is closed. */
  readonly folder: string;
}

/**
 * Starts the given pods as real processes of this host; resolves when they run. They are not confined: a command may
 * do what its user may. Rejects with FILE_UNWRITABLE when there is no place for the containers' folders.
 */
export async function startProcessRuntime(options: ProcessRuntimeOptions): Promise<ProcessRuntime> {
  const runtime = new Processes(options, await createRoot(options.folder));
  await runtime.started();
  return runtime;
}

type PodName = Pick<ContainerRef, 'namespace' | 'pod' | 'uid'>;
type ChangeListener = Parameters<NodeRuntime['onChange']>[0];

const killed: Termination = { exitCode: 137, reason: 'Error' };
const defaultCloseGraceMs = 500;

class Processes implements ProcessRuntime {
  readonly folder: string;
  private readonly options: ProcessRuntimeOptions;
  private readonly context: ProcessContext;
  private readonly pods = new Map<string, ProcessPod>();
  private readonly listeners = new Set<ChangeListener>();
  private readonly startTime: string;

  constructor(options: ProcessRuntimeOptions, folder: string) {
    const { clock, random, emit, startTimeMs, logLimitBytes } = options;
    const now = createWallClock(clock, startTimeMs === undefined ? {} : { startMs: startTimeMs });
    this.options = options;
    this.folder = folder;
    this.startTime = rfc3339(now());
    const loadTerminals = options.loadTerminals ?? (() => loadTerminalLibrary());
    const guardian = startGuardian(folder);
    this.context = { clock, now, emit, loadTerminals, logLimitBytes, guardian, newId: () => hexId(random) };
    for (const pod of options.pods) this.addPod(pod);
  }

  async started(): Promise<void> {
    // An init container that runs long holds nobody up.
    const pods = [...this.pods.values()].filter(({ inits }) => inits.length === 0);
    await Promise.all(pods.map((pod) => pod.started));
  }

  addPod(pod: Pod): void {
    const { namespace, name } = pod.metadata;
    const key = `${namespace}/${name}`;
    if (this.pods.has(key)) throw this.error('BAD_REQUEST', `pod "${name}" already exists`);
    const changed = (): void => this.changed(namespace, name);
    this.pods.set(key, new ProcessPod({ pod, context: this.context, root: this.folder, changed }));
  }

  updatePod(pod: Pod): void {
    this.pod({ namespace: pod.metadata.namespace, pod: pod.metadata.name }).update(pod);
  }

  async removePod(namespace: string, name: string, graceMs?: number): Promise<void> {
    const pod = this.pod({ namespace, pod: name });
    await pod.stop(graceMs);
    this.pods.delete(`${namespace}/${name}`);
  }

  restartContainer(ref: ContainerRef, termination: Termination = killed): void {
    this.container(ref).restart(termination);
  }

  onChange(listener: ChangeListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  listPods(): readonly Pod[] {
    return [...this.pods.values()].map((pod) => currentPod(pod, this.startTime));
  }

  checkContainer(ref: ContainerRef): void {
    this.container(ref);
  }

  hasTerminal(ref: ContainerRef): boolean {
    return this.container(ref).spec.tty === true;
  }

  async exec(request: ExecRequest, streams: RemoteCommandStreams): Promise<RemoteCommandResult> {
    if (request.command.length === 0) {
      throw this.error('BAD_REQUEST', 'you must specify at least one command for the container');
    }
    return this.running(request).exec(request, streams, this.context.newId());
  }

  async attach(ref: ContainerRef, streams: RemoteCommandStreams): Promise<RemoteCommandResult> {
    return this.running(ref).attach(streams);
  }

  async logs(request: LogRequest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const pod = this.find(request);
    if (pod === undefined) throw this.error('POD_NOT_FOUND', `pod "${request.pod}" does not exist`);
    const container = pod.find(request.container);
    if (container !== undefined)
      return openLogs({ container, rule: undefined, ...this.context }, request, signal);
    const text = `container "${request.container}" not found in pod "${request.pod}"`;
    throw this.error('CONTAINER_NOT_FOUND', text);
  }

  async portForward(request: PortForwardRequest, signal: AbortSignal): Promise<Duplex> {
    const pod = this.pod(request);
    const { port } = request;
    const run = pod.mains.find((container) => container.run !== undefined)?.run;
    const refused = this.error('PORT_CLOSED', refusedText(pod.sandboxId, port));
    if (run === undefined) throw refused;
    return dialTarget({ address: '127.0.0.1', port }, [signal, run.signal]).catch((caught: unknown) => {
      throw isRefusal(caught) ? refused : caught;
    });
  }

  usage(): Promise<readonly PodUsage[]> {
    return Promise.all([...this.pods.values()].map((pod) => pod.usage()));
  }

  logFiles(): readonly LogFile[] {
    return [...this.pods.values()].flatMap(({ containers }) =>
      containers.flatMap((container) => container.logFiles()),
    );
  }

  async close(): Promise<void> {
    const graceMs = this.options.closeGraceMs ?? defaultCloseGraceMs;
    this.listeners.clear();
    await Promise.all([...this.pods.values()].map((pod) => pod.stop(graceMs)));
    this.pods.clear();
    await this.context.guardian.close();
  }

  private changed(namespace: string, name: string): void {
    for (const listener of [...this.listeners]) listener({ namespace, name });
  }

  private find({ namespace, pod, uid }: PodName): ProcessPod | undefined {
    const found = this.pods.get(`${namespace}/${pod}`);
    return uid !== undefined && found?.pod.metadata.uid !== uid ? undefined : found;
  }

  private pod(name: PodName): ProcessPod {
    const found = this.find(name);
    if (found === undefined) throw this.error('POD_NOT_FOUND', 'pod does not exist');
    return found;
  }

  private container(ref: ContainerRef): ProcessContainer {
    const found = this.pod(ref).find(ref.container);
    if (found === undefined)
      throw this.error('CONTAINER_NOT_FOUND', `container not found ("${ref.container}")`);
    return found;
  }

  private running(ref: ContainerRef): ProcessRun {
    const { run } = this.container(ref);
    if (run === undefined)
      throw this.error('CONTAINER_NOT_FOUND', `container not found ("${ref.container}")`);
    return run;
  }

  private error(code: ConstructorParameters<typeof TunnelError>[0], message: string): TunnelError {
    return new TunnelError(code, message, { where: `kubelet ${this.options.nodeName}` });
  }
}

function isRefusal(caught: unknown): boolean {
  const cause = caught instanceof TunnelError ? caught.cause : caught;
  return (cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED';
}
