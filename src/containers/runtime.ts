import type { Duplex } from 'node:stream';
import type { Pod } from '../kube/pod-objects.js';
import type { RemoteCommandResult, RemoteCommandStreams } from '../streams/types.js';
import type { EnvironmentSources } from './environment/resolve.js';
import type { LogStream } from './logs/log-block.js';
import type { LogStore } from './logs/log-store.js';

/** The full name of a container. */
export interface ContainerRef {
  /** The namespace of the pod. */
  readonly namespace: string;
  /** The name of the pod. */
  readonly pod: string;
  /** The name of the container in the pod. */
  readonly container: string;
  /** The UID that the pod must have. Default: any. */
  readonly uid?: string;
}

export interface ExecRequest extends ContainerRef {
  readonly command: readonly string[];
  readonly tty: boolean;
  /** Kills the command when its client leaves, as a kubelet does only for `/run`. Default: it runs to its end. */
  readonly endsWithClient?: boolean;
}

/** The options of a logs request, already validated; times are epoch milliseconds. */
export interface LogRequest extends ContainerRef {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly sinceTimeMs?: number;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  /** One of the two outputs; both when absent. */
  readonly stream?: LogStream;
}

export interface PortForwardRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/** A stream that a container runtime is asked to set up. The ports of a port-forward are not known at that time. */
export type StreamRequest =
  | ({ readonly kind: 'exec' } & ExecRequest)
  | ({ readonly kind: 'attach' } & ContainerRef)
  | ({ readonly kind: 'portForward' } & Omit<PortForwardRequest, 'port'>);

/** What one running container uses, measured when asked. */
export interface ContainerUsage {
  readonly name: string;
  readonly image: string;
  /** The runtime's id of this run. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly startedAtMs: number;
  readonly restartCount: number;
  /** Processor time since its start; absent where it cannot be measured separately. */
  readonly cpuSeconds?: number;
  readonly memoryBytes: number;
  readonly processes: number;
  readonly threads: number;
  /** Bytes and entries of the container's own files. */
  readonly files: { readonly usedBytes: number; readonly entries: number };
  /** Bytes that its log holds, and bytes that were ever written to it. */
  readonly log: { readonly usedBytes: number; readonly writtenBytes: number };
}

export interface PodUsage {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly containers: readonly ContainerUsage[];
}

export interface LogFile {
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly container: string;
  readonly containerId: string;
  /** How often the container had been restarted before this run. */
  readonly restartCount: number;
  readonly store: LogStore;
}

export interface Termination {
  readonly exitCode: number;
  /** Default: `Completed` for code 0 and `Error` for all others. */
  readonly reason?: string;
  readonly message?: string;
}

/**
 * What a kubelet door (HTTP, gRPC) needs from a container runtime. All methods reject with a TunnelError:
 * POD_NOT_FOUND, CONTAINER_NOT_FOUND, COMMAND_NOT_FOUND, LOGS_UNAVAILABLE, PORT_CLOSED, BAD_REQUEST.
 */
export interface Runtime {
  /** The pods of this node, as the Kubernetes API shows them (with status). */
  listPods(): readonly Pod[];
  /** Throws POD_NOT_FOUND or CONTAINER_NOT_FOUND. */
  checkContainer(ref: ContainerRef): void;
  /** The same, and CONTAINER_NOT_FOUND for one that does not run. Doors call it before they answer an upgrade. */
  checkRunning(ref: ContainerRef): void;
  /**
   * Throws when the container runtime refuses to set the stream up, with its text: TOO_MANY_REQUESTS,
   * CONTAINER_NOT_FOUND, NOT_READY. Doors call it after all their own checks.
   */
  admitStream?(request: StreamRequest): void;
  /**
   * Runs a command; resolves when it has ended and its output is written. The command outlives its client: when
   * `streams.signal` aborts, its input ends (not at a terminal). The command then continues until it ends by itself,
   * blocks because its output has no reader, or the container ends.
   */
  exec(request: ExecRequest, streams: RemoteCommandStreams): Promise<RemoteCommandResult>;
  attach(ref: ContainerRef, streams: RemoteCommandStreams): Promise<RemoteCommandResult>;
  hasTerminal(ref: ContainerRef): boolean;
  /** In order; with `follow` until the container ends or `signal` aborts. Rejects before the first chunk. */
  logs(request: LogRequest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** One connection to a port inside the pod. */
  portForward(request: PortForwardRequest, signal: AbortSignal): Promise<Duplex>;
  usage(): Promise<readonly PodUsage[]>;
  /** The logs that are still kept, of present and earlier runs. */
  logFiles(): readonly LogFile[];
  /** Ends all containers and streams. */
  close(): Promise<void>;
}

/** What happened to a container, for an event of its pod. */
export interface ContainerNews {
  readonly reason: 'Pulled' | 'Created' | 'Started' | 'Killing' | 'BackOff' | 'Failed';
  readonly name: string;
  readonly image: string;
  /** Its place in the pod: `spec.containers{web}`. */
  readonly fieldPath: string;
  /** The pod, as messages name it. */
  readonly podText: string;
  /** Why it failed, or is killed although its pod stays. */
  readonly message?: string;
}

/** A runtime whose pods can be added and removed. */
export interface NodeRuntime extends Runtime {
  /** Adds a pod and starts its containers. Throws BAD_REQUEST when the pod exists already. */
  addPod(pod: Pod): void;
  /** Takes over changed metadata and images, and starts new ephemeral containers. Throws POD_NOT_FOUND. */
  updatePod(pod: Pod): void;
  /**
   * Ends a pod's containers for good, by force after `graceMs`, which a second call may make shorter. The pod stays, with
   * its logs, until it is removed. Rejects with POD_NOT_FOUND; resolves when nothing runs any more.
   */
  stopPod(namespace: string, name: string, graceMs: number): Promise<void>;
  /**
   * Ends a pod's containers, by force after `graceMs` (default: the pod's own grace period), and removes it. Throws
   * POD_NOT_FOUND at once; resolves when nothing of the pod is left.
   */
  removePod(namespace: string, name: string, graceMs?: number): Promise<void>;
  /** Restarts the container; its log stays readable with `previous`. Default: code 137 and reason `Error`. */
  restartContainer(ref: ContainerRef, termination?: Termination): void;
  /** Where the variables of containers come from that start from now on. Default: no API. */
  useSources(sources: EnvironmentSources): void;
  /** Calls `listener` with what happens, first with what has happened so far. Call the returned function to stop. */
  onNews(listener: (pod: Pod['metadata'], news: ContainerNews) => void): () => void;
  /** Calls `listener` after each change of a pod's status. Call the returned function to stop. */
  onChange(listener: (pod: { readonly namespace: string; readonly name: string }) => void): () => void;
}
