import type { Duplex } from 'node:stream';
import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import type { EventSink } from '../../core/events.js';
import type { Random } from '../../core/random.js';
import { createWallClock } from '../../core/wall-clock.js';
import type { Pod } from '../../kube/pod-objects.js';
import type { RemoteCommandResult, RemoteCommandStreams } from '../../streams/types.js';
import { hexId } from '../container-run.js';
import type { HeldContainerOptions } from '../held-options.js';
import { PodTable } from '../pod-table.js';
import { dialTarget, refusedText, type TargetOptions } from '../port-forward.js';
import { openLogs } from '../read-logs.js';
import type { ContainerRef, ExecRequest, LogRequest, NodeRuntime, PortForwardRequest } from '../runtime.js';
import { createRoot, podFolder, removeFolder } from './folders.js';
import { startGuardian } from './guardian.js';
import { dialOwnPort } from './own-port.js';
import { ProcessContainer, type ProcessContext } from './process-container.js';
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
  /** The highest number of bytes that a container's log keeps; 10 MiB when absent. */
  readonly logLimitBytes?: number;
  /** The parent of the folder for containers; the folder for temporary files when absent. */
  readonly folder?: string;
  /** How long `close` waits for processes to end by themselves. Default 500 ms. */
  readonly closeGraceMs?: number;
  /** Loads the library of pseudo-terminals, when a terminal is first needed. */
  readonly loadTerminals?: () => Promise<TerminalLibrary>;
}

/** Containers as processes of this host. They have the rights of the user who runs this program. */
export interface ProcessRuntime extends NodeRuntime {
  /** The folder that holds the containers' folders, until the runtime is closed. */
  readonly folder: string;
}

/** Resolves when they run. Not confined: a command may do what its user may. Rejects with FILE_UNWRITABLE. */
export async function startProcessRuntime(options: ProcessRuntimeOptions): Promise<ProcessRuntime> {
  const runtime = new Processes(options, await createRoot(options.folder));
  await runtime.started();
  return runtime;
}

const defaultCloseGraceMs = 500;

class Processes extends PodTable<ProcessContainer> implements ProcessRuntime {
  readonly folder: string;
  private readonly options: ProcessRuntimeOptions;
  private readonly context: ProcessContext;

  constructor(options: ProcessRuntimeOptions, folder: string) {
    const { clock, random, emit, startTimeMs, logLimitBytes } = options;
    const now = createWallClock(clock, startTimeMs === undefined ? {} : { startMs: startTimeMs });
    super({ ...options, now });
    this.options = options;
    this.folder = folder;
    const loadTerminals = options.loadTerminals ?? (() => loadTerminalLibrary());
    const guardian = startGuardian(folder);
    this.context = { clock, now, emit, loadTerminals, logLimitBytes, guardian, newId: () => hexId(random) };
    for (const pod of options.pods) this.addPod(pod);
  }

  async started(): Promise<void> {
    await Promise.all(this.all().map(async ({ starting }) => starting));
  }

  protected createContainer(options: HeldContainerOptions): ProcessContainer {
    const folder = podFolder(this.folder, options.pod);
    return new ProcessContainer({ ...options, context: this.context, folder });
  }

  protected async removeFiles(pod: Pod): Promise<void> {
    await removeFolder(podFolder(this.folder, pod)).catch(() => undefined);
  }

  async exec(request: ExecRequest, streams: RemoteCommandStreams): Promise<RemoteCommandResult> {
    this.checkCommand(request.command);
    return this.running(request).exec(request, streams, this.context.newId());
  }

  async attach(ref: ContainerRef, streams: RemoteCommandStreams): Promise<RemoteCommandResult> {
    return this.running(ref).attach(streams);
  }

  async logs(request: LogRequest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const container = this.logged(request);
    return openLogs({ container, rule: undefined, ...this.context }, request, signal);
  }

  async portForward(request: PortForwardRequest, signal: AbortSignal): Promise<Duplex> {
    const pod = this.pod(request);
    const { port } = request;
    const runs = pod.mains.flatMap(({ run }) => (run === undefined ? [] : [run]));
    const refused = this.error('PORT_CLOSED', refusedText(pod.sandboxId, port));
    const [first] = runs;
    if (first === undefined) throw refused;
    const optionsOf = (run: ProcessRun): TargetOptions => ({
      sandboxId: pod.sandboxId,
      signals: [signal, run.signal],
    });
    for (const run of runs) {
      const own = await dialOwnPort(run.folder, port, optionsOf(run));
      if (own !== undefined) return own;
    }
    return dialTarget({ address: '127.0.0.1', port }, optionsOf(first)).catch((caught: unknown) => {
      throw isRefusal(caught) ? refused : caught;
    });
  }

  async close(): Promise<void> {
    const graceMs = this.options.closeGraceMs ?? defaultCloseGraceMs;
    this.listeners.clear();
    await Promise.all([...this.pods.values()].map((pod) => this.endPod(pod, graceMs)));
    this.pods.clear();
    await this.context.guardian.close();
  }
}

function isRefusal(caught: unknown): boolean {
  const cause = caught instanceof TunnelError ? caught.cause : caught;
  return (cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED';
}
