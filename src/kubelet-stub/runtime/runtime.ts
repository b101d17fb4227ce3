import type { Duplex } from 'node:stream';
import type { Pod } from '../../core/objects.js';
import type { RemoteCommandResult, RemoteCommandStreams } from '../../streams/types.js';

/** A container named by where it runs. `uid`, when given, must be the pod's. */
export interface ContainerRef {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly uid?: string;
}

export interface ExecRequest extends ContainerRef {
  readonly command: readonly string[];
  readonly tty: boolean;
}

/** The options of a logs request, already validated; times are epoch milliseconds. */
export interface LogRequest extends ContainerRef {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly sinceTimeMs?: number;
  readonly tailLines?: number;
  readonly limitBytes?: number;
}

export interface PortForwardRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/**
 * What a kubelet door (HTTP, gRPC) needs of whatever runs containers. All methods reject with a TunnelError:
 * POD_NOT_FOUND, CONTAINER_NOT_FOUND, COMMAND_NOT_FOUND, LOGS_UNAVAILABLE, PORT_CLOSED, BAD_REQUEST.
 */
export interface Runtime {
  /** The pods of this node, as the Kubernetes API shows them (with status). */
  listPods(): readonly Pod[];
  /** Throws POD_NOT_FOUND or CONTAINER_NOT_FOUND. Doors call it before they answer an upgrade. */
  checkContainer(ref: ContainerRef): void;
  /** Runs a command; resolves when it has ended and its output is written. Aborting `streams.signal` kills it. */
  exec(request: ExecRequest, streams: RemoteCommandStreams): Promise<RemoteCommandResult>;
  /** Joins the main process of a container. */
  attach(ref: ContainerRef, streams: RemoteCommandStreams): Promise<RemoteCommandResult>;
  /** Whether the container's main process has a terminal. */
  hasTerminal(ref: ContainerRef): boolean;
  /** Log bytes in order. With `follow` it goes on until the container ends or `signal` aborts. Rejects before the first chunk. */
  logs(request: LogRequest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** One connection to a port inside the pod. */
  portForward(request: PortForwardRequest, signal: AbortSignal): Promise<Duplex>;
  /** Ends all containers and streams. */
  close(): Promise<void>;
}
