import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { ContainerRef } from '../containers/runtime.js';
import type { Clock } from '../core/clock.js';
import { listenError, TunnelError } from '../core/errors.js';
import type { EventSink } from '../core/events.js';
import type { RemoteCommandResult, RemoteCommandStreams } from '../streams/types.js';
import type { Dialer } from '../wire/client/dialer.js';
import { joinStreams } from '../wire/net/join-streams.js';
import type { TlsFiles } from '../wire/net/tls.js';
import { KubeletClient } from './kubelet-client/kubelet-client.js';

export interface PodPlace {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly containers: readonly string[];
}

/** The address of a node's kubelet, which can be reached only through the node's agent. */
export interface NodePlace {
  readonly name: string;
  readonly ip: string;
  readonly kubeletPort: number;
}

/** A pod: `pod`, `namespace/pod`, or an object with the two names. */
export type PodTarget =
  | string
  | {
      /** Default `default`. */
      readonly namespace?: string;
      /** The name of the pod. */
      readonly pod: string;
    };

export interface ClusterClientOptions {
  /** The name of this client in events: `client/lab`. */
  readonly name: string;
  /** Dials the kubelets: the tunnel. */
  readonly dialer: Dialer;
  /** Client certificate that the kubelets accept. */
  readonly kubeletTls: TlsFiles;
  readonly nodes: () => readonly NodePlace[];
  readonly pods: () => readonly PodPlace[];
  readonly clock: Clock;
  readonly emit: EventSink;
}

/** Options of every request to a container. */
export interface RequestOptions {
  /** The name of the container. Default: the pod's first. */
  readonly container?: string;
  /** Aborting ends the request, which rejects with DIAL_CANCELLED. Default: it is not cancelled. */
  readonly signal?: AbortSignal;
}

/** Options of `ClusterClient.exec`. */
export interface StreamExecOptions {
  /** The name of the container. Default: the pod's first. */
  readonly container?: string;
  /** Runs the command in a terminal. Default false. */
  readonly tty?: boolean;
  /** Called with the name of the request before the command starts. Default: no call. */
  readonly onRequest?: (request: string) => void;
}

/** Options of `logs`, as those of `kubectl logs`. */
export interface LogOptions extends RequestOptions {
  /** Waits for new lines until the container ends. Default false. */
  readonly follow?: boolean;
  /** The log of the container's run before its last restart. Default false. */
  readonly previous?: boolean;
  /** Puts the time before each line. Default false. */
  readonly timestamps?: boolean;
  /** Only lines from this time on, ms since 1970. Default: all lines. */
  readonly sinceTimeMs?: number;
  /** Only this many last lines. Default: all lines. */
  readonly tailLines?: number;
  /** The log ends after this many bytes. Default: no limit. */
  readonly limitBytes?: number;
}

/** Options of `portForward`. */
export interface PortForwardOptions {
  /** Aborting closes the port-forward. Default: it is open until `close`. */
  readonly signal?: AbortSignal;
  /** The port to listen on. Default 0: a free one. */
  readonly localPort?: number;
  /** Called with the failure of one connection; the others continue. Default: failures are ignored. */
  readonly onError?: (error: TunnelError) => void;
}

/** A listening port-forward. */
export interface PortForward {
  /** The address that it listens on: `127.0.0.1`. */
  readonly host: string;
  /** The port that it listens on. */
  readonly port: number;
  /** The request that the events of all its connections carry, such as `port-forward-1`. */
  readonly request: string;
  /** Stops listening and closes all connections. Further calls do nothing. Never rejects. */
  close(): Promise<void>;
}

interface Opened {
  readonly kubelet: KubeletClient;
  readonly ref: ContainerRef;
  readonly request: string;
}

/**
 * exec, logs and port-forward without a Kubernetes API: gRPC to the kubelet, inside the tunnel. Every request dials its
 * own connection, as a kube-apiserver does, so that the journal can show it whole. All methods reject with a TunnelError;
 * `Lab.exec`, `Lab.logs` and `Lab.portForward` list the codes.
 */
export class ClusterClient {
  private readonly options: ClusterClientOptions;
  private readonly open = new Set<KubeletClient>();
  private readonly forwards = new Set<PortForward>();
  private counter = 0;

  constructor(options: ClusterClientOptions) {
    this.options = options;
  }

  /** Runs a command with the caller's streams, which stay open. Aborting `streams.signal` kills the command. */
  async exec(
    target: PodTarget,
    command: readonly string[],
    streams: RemoteCommandStreams,
    options: StreamExecOptions = {},
  ): Promise<RemoteCommandResult> {
    const opened = this.begin('exec', target, options.container);
    options.onRequest?.(opened.request);
    return this.finish(opened, 'exec', async () => {
      const request = { ...opened.ref, command, tty: options.tty ?? false };
      return opened.kubelet.exec(request, streams, { request: opened.request });
    });
  }

  /** The log of a container, as bytes. Leaving the loop ends the request. */
  async *logs(target: PodTarget, options: LogOptions = {}): AsyncGenerator<Uint8Array> {
    const { container, signal, ...wanted } = options;
    const opened = this.begin('logs', target, container);
    const dial = { request: opened.request, ...(signal === undefined ? {} : { signal }) };
    const request = { ...opened.ref, follow: false, previous: false, timestamps: false, ...wanted };
    const report = this.report(opened.request, 'logs', opened.ref);
    try {
      yield* opened.kubelet.logs(request, dial);
      report();
    } catch (error) {
      report(TunnelError.from(error));
      throw error;
    } finally {
      await this.release(opened.kubelet);
    }
  }

  /** Listens on 127.0.0.1 and forwards each connection to a port of the pod. */
  async portForward(target: PodTarget, port: number, options: PortForwardOptions = {}): Promise<PortForward> {
    const opened = this.begin('port-forward', target, undefined);
    const { namespace, pod } = opened.ref;
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    const sockets = new Set<Socket>();
    server.on('error', () => undefined);
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
      void this.carry(socket, opened, { namespace, pod, port }, options.onError);
    });
    const local = await listenLocally(server, options.localPort ?? 0).catch(async (error: unknown) => {
      await this.release(opened.kubelet);
      throw error;
    });
    const forward: PortForward = {
      ...local,
      request: opened.request,
      close: async () => {
        if (!this.forwards.delete(forward)) return;
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
        await this.release(opened.kubelet);
      },
    };
    this.forwards.add(forward);
    options.signal?.addEventListener('abort', () => void forward.close(), { once: true });
    return forward;
  }

  /** Ends all requests and port-forwards. Never rejects. */
  async close(): Promise<void> {
    await Promise.all([...this.forwards].map((forward) => forward.close()));
    await Promise.all([...this.open].map((kubelet) => this.release(kubelet)));
  }

  private async carry(
    socket: Socket,
    { kubelet, request }: Opened,
    target: { namespace: string; pod: string; port: number },
    onError: ((error: TunnelError) => void) | undefined,
  ): Promise<void> {
    try {
      const remote = await kubelet.portForward(target, { request });
      await joinStreams(socket, remote);
    } catch (error) {
      // A local client that disconnects early is not an error.
      if (error instanceof TunnelError) onError?.(error);
      socket.destroy();
    }
  }

  private begin(verb: string, target: PodTarget, container: string | undefined): Opened {
    const { node, ref } = this.locate(target, container);
    this.counter += 1;
    const request = `${verb}-${this.counter}`;
    const { dialer, kubeletTls: tls, clock } = this.options;
    const { ip: host, kubeletPort: port } = this.nodeOf(node);
    const kubelet = new KubeletClient({ dialer, host, port, tls, clock });
    this.open.add(kubelet);
    return { kubelet, ref, request };
  }

  /** Where a container runs. Throws POD_NOT_FOUND or CONTAINER_NOT_FOUND. */
  locate(target: PodTarget, container?: string): { readonly node: string; readonly ref: ContainerRef } {
    const { namespace, pod } = parseTarget(target);
    const place = this.options.pods().find((one) => one.namespace === namespace && one.name === pod);
    if (place === undefined) {
      throw new TunnelError('POD_NOT_FOUND', `pods "${pod}" not found in namespace "${namespace}"`);
    }
    const name = container ?? place.containers[0];
    if (name === undefined || !place.containers.includes(name)) {
      const text = `container ${name ?? ''} is not valid for pod ${pod}, choose one of: [${place.containers.join(' ')}]`;
      throw new TunnelError('CONTAINER_NOT_FOUND', text);
    }
    return { node: place.node, ref: { namespace, pod, container: name } };
  }

  private nodeOf(name: string): NodePlace {
    const node = this.options.nodes().find((one) => one.name === name);
    if (node !== undefined) return node;
    throw new TunnelError('NODE_NOT_FOUND', `nodes "${name}" not found`);
  }

  private async finish(
    opened: Opened,
    verb: string,
    run: () => Promise<RemoteCommandResult>,
  ): Promise<RemoteCommandResult> {
    const report = this.report(opened.request, verb, opened.ref);
    try {
      const result = await run();
      report(undefined, result.kind === 'exit' ? result.code : undefined);
      return result;
    } catch (error) {
      report(TunnelError.from(error));
      throw error;
    } finally {
      await this.release(opened.kubelet);
    }
  }

  private report(
    request: string,
    verb: string,
    ref: ContainerRef,
  ): (error?: TunnelError, exitCode?: number) => void {
    const { name: node, emit, clock } = this.options;
    const about = {
      node,
      request,
      verb,
      path: `${ref.namespace}/${ref.pod}/${ref.container}`,
      protocol: 'grpc',
    };
    const startedAt = clock.now();
    emit({ kind: 'request.started', ...about });
    return (error, exitCode) => {
      const durationMs = clock.now() - startedAt;
      if (error !== undefined) {
        const { message, code } = error;
        emit({ kind: 'request.failed', ...about, durationMs, error: message, code });
      } else
        emit({
          kind: 'request.finished',
          ...about,
          durationMs,
          ...(exitCode === undefined ? {} : { exitCode }),
        });
    };
  }

  private async release(kubelet: KubeletClient): Promise<void> {
    this.open.delete(kubelet);
    await kubelet.close();
  }
}

/** Splits `NAME`, `pod/NAME` and `namespace/NAME`. */
export function parseTarget(target: PodTarget): { namespace: string; pod: string } {
  if (typeof target !== 'string') return { namespace: target.namespace ?? 'default', pod: target.pod };
  const name = target.replace(/^pods?\//, '');
  const at = name.indexOf('/');
  return at === -1
    ? { namespace: 'default', pod: name }
    : { namespace: name.slice(0, at), pod: name.slice(at + 1) };
}

function listenLocally(server: Server, port: number): Promise<{ host: string; port: number }> {
  const host = '127.0.0.1';
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => reject(listenError(cause, `${host}:${port}`, 'port-forward'));
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      resolve({ host, port: (server.address() as AddressInfo).port });
    });
  });
}
