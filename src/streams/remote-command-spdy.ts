import type { Timer } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import {
  hasStatusJson,
  headerList,
  negotiate,
  spdyUpgradeToken,
  streamProtocolHeader,
} from './protocol-names.js';
import type { RemoteCommandJob } from './remote-command-context.js';
import { runToResult } from './remote-command-run.js';
import { SpdyConnection } from './spdy/connection.js';
import { resetStatus } from './spdy/frames.js';
import type { SpdyStream } from './spdy/stream.js';
import { encodeStatus, kubeletStatus } from './status.js';
import { onAbort, whenWritten } from './stream-ends.js';
import { TerminalResizes } from './terminal-resizes.js';
import type { RemoteCommandOptions, RemoteCommandResult, RemoteCommandStreams } from './types.js';
import { acceptUpgrade, refuseUpgrade } from './upgrade-response.js';

/** Values of the `streamtype` header. */
export type RemoteCommandStreamType = 'error' | 'stdin' | 'stdout' | 'stderr' | 'resize';

/** The streams of a remote command, in the order in which client-go opens them. v3 and later have a resize stream. */
export function remoteCommandStreamTypes(
  options: RemoteCommandOptions,
  protocol: string,
): RemoteCommandStreamType[] {
  const resize = options.tty && /^v[345]\./.test(protocol);
  return [
    'error',
    ...(options.stdin ? (['stdin'] as const) : []),
    ...(options.stdout ? (['stdout'] as const) : []),
    ...(options.stderr ? (['stderr'] as const) : []),
    ...(resize ? (['resize'] as const) : []),
  ];
}

export function serveSpdyRemoteCommand(job: RemoteCommandJob): void {
  const { socket, request } = job.upgrade;
  const accepted = job.settings.spdyProtocols;
  const offered = headerList(request, streamProtocolHeader);
  const protocol = negotiate(offered, accepted);
  if (protocol !== undefined) {
    acceptUpgrade(socket, spdyUpgradeToken, [[streamProtocolHeader, protocol]]);
    new SpdyCommandSession(job, protocol);
    return;
  }
  const text =
    offered.length === 0
      ? `unable to upgrade: ${streamProtocolHeader} is required`
      : 'unable to upgrade: unable to negotiate protocol: ' +
        `client supports [${offered.join(' ')}], server accepts [${accepted.join(' ')}]`;
  const headers = accepted.map((name) => ['X-Accepted-Stream-Protocol-Versions', name] as const);
  const refusal = offered.length === 0 ? { status: 400 } : { status: 403, headers };
  refuseUpgrade(socket, { ...refusal, body: `${text}\n` }, job.settings.clock);
  job.settings.onFailure?.(new TunnelError('BAD_REQUEST', text));
}

class SpdyCommandSession {
  private readonly job: RemoteCommandJob;
  private readonly protocol: string;
  private readonly wanted: ReadonlySet<string>;
  private readonly streams = new Map<string, SpdyStream>();
  private readonly connection: SpdyConnection;
  private readonly clientGone = new AbortController();
  private readonly resizes = new TerminalResizes();
  private readonly creationTimer: Timer;
  private finished = false;

  constructor(job: RemoteCommandJob, protocol: string) {
    const { clock, idleTimeoutMs, creationTimeoutMs, signal, onProtocol } = job.settings;
    this.job = job;
    this.protocol = protocol;
    this.wanted = new Set<string>(remoteCommandStreamTypes(job.options, protocol));
    this.connection = new SpdyConnection({
      role: 'server',
      socket: job.upgrade.socket,
      head: job.upgrade.head,
      clock,
      idleTimeoutMs,
      onStream: (stream) => this.addStream(stream),
    });
    this.creationTimer = clock.after(creationTimeoutMs, () => this.creationTimedOut());
    const forgetSignal = onAbort(signal, () => this.connection.destroy());
    void this.connection.ended.then((error) => {
      forgetSignal();
      this.connectionEnded(error);
    });
    onProtocol?.('spdy');
  }

  private addStream(stream: SpdyStream): void {
    const type = stream.headers.get('streamtype') ?? '';
    if (!this.wanted.has(type) || this.streams.has(type)) {
      stream.reset(resetStatus.refusedStream);
      return;
    }
    this.streams.set(type, stream);
    stream.reply();
    if (this.streams.size === this.wanted.size) void this.serve();
  }

  private async serve(): Promise<void> {
    this.creationTimer.cancel();
    const result = await runToResult(this.job.run, this.commandStreams());
    await this.report(result);
  }

  private commandStreams(): RemoteCommandStreams {
    const [stdin, stdout, stderr] = ['stdin', 'stdout', 'stderr'].map((type) => this.streams.get(type));
    // A client's bytes on these streams have no meaning. They are read, so that they cannot stop the connection.
    for (const stream of [this.streams.get('error'), stdout, stderr]) stream?.resume();
    this.streams.get('error')?.once('error', () => this.gone());
    const resize = this.streams.get('resize');
    resize?.on('data', (bytes: Buffer) => this.resizes.push(bytes));
    resize?.once('close', () => this.resizes.end());
    return {
      ...(stdin && { stdin }),
      ...(stdout && { stdout }),
      ...(stderr && { stderr }),
      ...(this.job.options.tty && { resize: this.resizes }),
      signal: this.clientGone.signal,
    };
  }

  /** The status is sent before the output ends, because the oldest clients leave at the end of the output. */
  private async report(result: RemoteCommandResult): Promise<void> {
    const { streams } = this;
    const outputs = ['stdout', 'stderr'].flatMap((type) => streams.get(type) ?? []);
    await Promise.allSettled(outputs.map((stream) => stream.flushed()));
    this.finished = true;
    const status = kubeletStatus(result, this.job.settings.operation);
    const text = encodeStatus(status, hasStatusJson(this.protocol));
    streams.get('error')?.end(text);
    for (const stream of streams.values()) stream.end();
    await Promise.allSettled([...streams.values()].map((stream) => whenWritten(stream)));
    await this.connection.close();
  }

  private creationTimedOut(): void {
    this.job.settings.onFailure?.(
      new TunnelError('PROTOCOL_VIOLATION', 'timed out waiting for client to create streams'),
    );
    void this.connection.close();
  }

  private connectionEnded(error: TunnelError | undefined): void {
    this.creationTimer.cancel();
    this.resizes.end();
    if (error?.code === 'PROTOCOL_VIOLATION') this.job.settings.onFailure?.(error);
    this.gone();
  }

  private gone(): void {
    if (!this.finished) this.clientGone.abort(new TunnelError('TUNNEL_CLOSED', 'the client is gone'));
  }
}
