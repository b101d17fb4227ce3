import type { Duplex } from 'node:stream';
import { type ClientReadableStream, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { ContainerRef, ExecRequest, LogRequest } from '../../containers/runtime.js';
import { TunnelError } from '../../core/errors.js';
import type { RemoteCommandResult, RemoteCommandStreams } from '../../streams/types.js';
import type { DialOptions } from '../../wire/client/dialer.js';
import type { KubeletClient as KubeletStub } from '../../wire/gen/konnsim/kubelet/v1/Kubelet.js';
import type { LogChunk__Output } from '../../wire/gen/konnsim/kubelet/v1/LogChunk.js';
import type { PodSummary__Output } from '../../wire/gen/konnsim/kubelet/v1/PodSummary.js';
import { kubeletService } from '../../wire/grpc/proto.js';
import { errorFromStatus, isAnswered, requestKey } from '../../wire/net/grpc-status.js';
import type { DialedChannel, DialedTarget } from './dialed-channel.js';
import { openPortForward } from './port-forward-call.js';
import { runRemoteCommand } from './remote-command-call.js';
import { SharedChannel } from './shared-channel.js';

export type RemoteLogs = Omit<LogRequest, 'stream'>;

export interface RemotePort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

interface Session {
  readonly stub: KubeletStub;
  readonly metadata: Metadata;
  readonly explain: (caught: unknown) => TunnelError;
}

interface Cancellable {
  cancel(): void;
  once(event: 'close' | 'error' | 'status', listener: () => void): unknown;
}

/** Recognises the texts of Node and OpenSSL about refused certificates. A lost connection is not a refusal. */
function isTlsRefusal(details: string): boolean {
  return (
    /certificate|altname|issuer|ssl routines|EPROTO/i.test(details) && !/disconnected before/i.test(details)
  );
}

const transportCodes: ReadonlySet<status> = new Set([
  status.UNAVAILABLE,
  status.CANCELLED,
  status.INTERNAL,
  status.UNKNOWN,
]);

function isServiceError(caught: unknown): caught is ServiceError {
  return caught instanceof Error && 'details' in caught && 'metadata' in caught;
}

/**
 * Client of a kubelet's gRPC service through any Dialer: the tunnel, or a plain TCP connect. All calls share one
 * connection. It is dialled for the first call, and again after it was lost.
 *
 * All methods reject with a TunnelError: the kubelet's (POD_NOT_FOUND, …), the dial's (NO_AGENT, …), TLS_REJECTED,
 * TUNNEL_CLOSED when the connection is lost during a call, or DIAL_CANCELLED when the caller aborts.
 */
export class KubeletClient {
  private readonly shared: SharedChannel;
  private readonly where: string;

  constructor(target: DialedTarget) {
    this.shared = new SharedChannel(target);
    this.where = `kubelet ${target.host}:${target.port}`;
  }

  /** Open connections, for leak checks. */
  get openConnections(): number {
    return this.shared.openConnections;
  }

  /**
   * Runs a command. Resolves when it ended and its output is written. `{ kind: 'error' }` means that the kubelet could
   * not run it to its end. Aborting `streams.signal` kills it. The streams stay open.
   */
  exec(
    request: ExecRequest,
    streams: RemoteCommandStreams,
    options: DialOptions = {},
  ): Promise<RemoteCommandResult> {
    return this.command('Exec', request, streams, options);
  }

  /** Attaches to the main process of a container. The terminal is the container's. */
  attach(
    ref: ContainerRef,
    streams: RemoteCommandStreams,
    options: DialOptions = {},
  ): Promise<RemoteCommandResult> {
    return this.command('Attach', { ...ref, command: [], tty: false }, streams, options);
  }

  /** The bytes of a log, in order. The first `next()` opens the log, leaving the loop closes it. */
  async *logs(request: RemoteLogs, options: DialOptions = {}): AsyncGenerator<Uint8Array> {
    const { stub, metadata, explain } = await this.begin(options);
    const call: ClientReadableStream<LogChunk__Output> = stub.Logs({ ...request }, metadata);
    call.on('error', () => undefined);
    cancelOnAbort(call, options.signal);
    try {
      for await (const chunk of call as AsyncIterable<LogChunk__Output>) yield chunk.data;
    } catch (caught) {
      throw explain(caught);
    } finally {
      call.cancel();
    }
  }

  /** Opens a connection to a port of a pod. Resolves when the port has accepted. Destroying the stream closes it. */
  async portForward(request: RemotePort, options: DialOptions = {}): Promise<Duplex> {
    const { stub, metadata, explain } = await this.begin(options);
    const call = stub.PortForward(metadata);
    cancelOnAbort(call, options.signal);
    return openPortForward(call, { ...request }, explain);
  }

  async listPods(options: DialOptions = {}): Promise<readonly PodSummary__Output[]> {
    const { stub, metadata, explain } = await this.begin(options);
    return new Promise((resolve, reject) => {
      const call = stub.ListPods({}, metadata, (failure, response) => {
        if (failure === null && response !== undefined) resolve(response.pods);
        else reject(explain(failure));
      });
      cancelOnAbort(call, options.signal);
    });
  }

  close(): Promise<void> {
    return this.shared.close();
  }

  private async command(
    rpc: 'Exec' | 'Attach',
    request: ExecRequest,
    streams: RemoteCommandStreams,
    options: DialOptions,
  ): Promise<RemoteCommandResult> {
    const { signal } = streams;
    const { stub, metadata, explain } = await this.begin({ ...options, signal });
    const call = rpc === 'Exec' ? stub.Exec(metadata) : stub.Attach(metadata);
    cancelOnAbort(call, signal);
    const wants = {
      stdin: streams.stdin !== undefined,
      stdout: streams.stdout !== undefined,
      stderr: streams.stderr !== undefined,
    };
    try {
      return await runRemoteCommand(call, { ...request, command: [...request.command], ...wants }, streams);
    } catch (caught) {
      throw explain(caught);
    }
  }

  private async begin(options: DialOptions): Promise<Session> {
    const channel = await this.shared.acquire(options);
    const metadata = new Metadata();
    if (options.request !== undefined) metadata.set(requestKey, options.request);
    const Stub = kubeletService();
    // Address and credentials are the channel's; gRPC ignores these.
    const stub = new Stub(channel.channel.getTarget(), credentials.createInsecure(), {
      channelOverride: channel.channel,
    });
    return { stub, metadata, explain: (caught) => this.explain(caught, channel, options.signal) };
  }

  private explain(caught: unknown, channel: DialedChannel, signal: AbortSignal | undefined): TunnelError {
    if (signal?.aborted === true) return new TunnelError('DIAL_CANCELLED', 'the request was cancelled');
    if (!isServiceError(caught)) return TunnelError.from(caught, 'INTERNAL', this.where);
    if (isAnswered(caught) || !transportCodes.has(caught.code)) return errorFromStatus(caught, this.where);
    if (channel.failure !== undefined) return channel.failure;
    const options = { where: this.where, cause: caught };
    if (isTlsRefusal(caught.details)) return new TunnelError('TLS_REJECTED', caught.details, options);
    return new TunnelError('TUNNEL_CLOSED', `tunnel closed: ${caught.details}`, options);
  }
}

function cancelOnAbort(call: Cancellable, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const cancel = (): void => call.cancel();
  if (signal.aborted) return cancel();
  signal.addEventListener('abort', cancel, { once: true });
  call.once('status', () => signal.removeEventListener('abort', cancel));
}
