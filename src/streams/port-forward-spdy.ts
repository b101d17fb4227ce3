import type { Duplex } from 'node:stream';
import type { Timer } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import { forwardErrorText, type PortForwardSettings, parsePort } from './port-forward-context.js';
import { splice } from './port-forward-splice.js';
import { SpdyConnection } from './spdy/connection.js';
import { resetStatus } from './spdy/frames.js';
import type { SpdyHeaders } from './spdy/header-block.js';
import type { SpdyStream } from './spdy/stream.js';
import { onAbort } from './stream-ends.js';

export function servePortForwardStreams(socket: Duplex, head: Buffer, settings: PortForwardSettings): void {
  new PortForwardSession(socket, head, settings);
}

interface Pair {
  readonly requestId: string;
  error?: SpdyStream;
  data?: SpdyStream;
  readonly timer: Timer;
}

interface StreamRole {
  readonly type: 'error' | 'data';
  readonly port: number;
  readonly requestId: string;
}

/** The role of a stream, or the reason why it cannot be served. */
function streamRole(streamId: number, headers: SpdyHeaders): StreamRole | string {
  const portText = headers.get('port') ?? '';
  const type = headers.get('streamtype') ?? '';
  const port = parsePort(portText);
  if (portText === '') return '"port" header is required';
  if (port === undefined) return `unable to parse ${JSON.stringify(portText)} as a port`;
  if (port === 0) return `port ${JSON.stringify(portText)} must be > 0`;
  if (type === '') return '"streamType" header is required';
  if (type !== 'error' && type !== 'data') return `invalid stream type ${JSON.stringify(type)}`;
  // The oldest clients send no request ID. Their data stream is the next one after its error stream.
  const guessed = type === 'error' ? streamId : streamId - 2;
  return { type, port, requestId: headers.get('requestid') ?? String(guessed) };
}

class PortForwardSession {
  private readonly settings: PortForwardSettings;
  private readonly connection: SpdyConnection;
  private readonly pairs = new Map<string, Pair>();
  private readonly clientGone = new AbortController();

  constructor(socket: Duplex, head: Buffer, settings: PortForwardSettings) {
    this.settings = settings;
    const { clock, idleTimeoutMs, signal } = settings;
    this.connection = new SpdyConnection({
      role: 'server',
      socket,
      head,
      clock,
      idleTimeoutMs,
      onStream: (stream) => this.addStream(stream),
    });
    const forgetSignal = onAbort(signal, () => this.connection.destroy());
    void this.connection.ended.then((error) => {
      forgetSignal();
      if (error?.code === 'PROTOCOL_VIOLATION') settings.onFailure?.(error);
      this.clientGone.abort(new TunnelError('TUNNEL_CLOSED', 'the client is gone'));
      for (const pair of this.pairs.values()) pair.timer.cancel();
      this.pairs.clear();
    });
  }

  private addStream(stream: SpdyStream): void {
    const role = streamRole(stream.id, stream.headers);
    if (typeof role === 'string') {
      this.refuse(stream, role);
      return;
    }
    const pair = this.pairs.get(role.requestId) ?? this.newPair(role.requestId);
    if (pair[role.type] !== undefined) {
      this.refuse(stream, `${role.type} stream already assigned`);
      return;
    }
    pair[role.type] = stream;
    stream.reply();
    if (role.type === 'error') stream.resume();
    const { error, data } = pair;
    if (error === undefined || data === undefined) return;
    pair.timer.cancel();
    this.pairs.delete(role.requestId);
    void this.forward(error, data, role.port);
  }

  private refuse(stream: SpdyStream, reason: string): void {
    stream.reset(resetStatus.refusedStream);
    this.settings.onFailure?.(new TunnelError('BAD_REQUEST', reason));
  }

  private newPair(requestId: string): Pair {
    const { clock, creationTimeoutMs } = this.settings;
    const timer = clock.after(creationTimeoutMs, () => this.pairTimedOut(requestId));
    const pair: Pair = { requestId, timer };
    this.pairs.set(requestId, pair);
    return pair;
  }

  private pairTimedOut(requestId: string): void {
    const pair = this.pairs.get(requestId);
    this.pairs.delete(requestId);
    const text = `(conn=${this.settings.podId}, request=${requestId}) timed out waiting for streams`;
    this.settings.onFailure?.(new TunnelError('PROTOCOL_VIOLATION', text));
    pair?.error?.end(text);
    pair?.data?.reset(resetStatus.cancel);
  }

  private async forward(error: SpdyStream, data: SpdyStream, port: number): Promise<void> {
    const { settings } = this;
    let cause: unknown;
    try {
      const target = await connectFor(data, settings, { port, signal: this.clientGone.signal });
      cause = await splice(data, target, settings);
    } catch (rejected) {
      cause = rejected;
    }
    if (this.clientGone.signal.aborted || data.cut) {
      data.destroy();
      error.destroy();
    } else if (cause === undefined) {
      finish(error, data);
    } else {
      error.end(forwardErrorText(settings, port, cause));
      data.reset(resetStatus.cancel);
    }
  }
}

/** Connects. A client that resets its stream cancels the attempt. */
async function connectFor(
  data: SpdyStream,
  settings: PortForwardSettings,
  request: { readonly port: number; readonly signal: AbortSignal },
): Promise<Duplex> {
  const reset = new AbortController();
  const onClose = (): void => reset.abort(new TunnelError('DIAL_CANCELLED', 'the client reset the stream'));
  data.once('close', onClose);
  try {
    const target = await settings.connect(request.port, AbortSignal.any([request.signal, reset.signal]));
    target.on('error', () => undefined);
    if (!reset.signal.aborted && !request.signal.aborted) return target;
    target.destroy();
    throw new TunnelError('DIAL_CANCELLED', 'the client is gone');
  } finally {
    data.off('close', onClose);
  }
}

/** Ends the pair for every kubectl. Versions up to 1.31 send their own FIN only after the error stream has ended. */
function finish(error: SpdyStream, data: SpdyStream): void {
  error.end();
  data.end();
  // Later bytes of the client are read and dropped. Unread bytes would stop the other pairs.
  data.resume();
}
