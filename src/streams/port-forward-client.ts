import type { Duplex } from 'node:stream';
import type { Clock } from '../core/clock.js';
import type { TunnelError } from '../core/errors.js';
import { SpdyConnection } from './spdy/connection.js';
import type { SpdyStream } from './spdy/stream.js';

export interface SpdyPortForwardOptions {
  /** A connection after a 101 for `portforward.k8s.io`, and bytes that were read already. */
  readonly socket: Duplex;
  readonly head?: Buffer;
  readonly clock: Clock;
  /** How often to send a PING, ms. Default: never. */
  readonly pingIntervalMs?: number;
  /** How long a stream may wait for its SYN_REPLY, ms. Default 30 s. */
  readonly creationTimeoutMs?: number;
}

export interface ForwardedConnection {
  /** `end()` half-closes; `destroy()` resets it. */
  readonly data: Duplex;
  /** The server's error text. Undefined without an error. Never rejects. */
  readonly failure: Promise<string | undefined>;
}

/** The client's side of a port-forward over SPDY: two streams for each connection, as kubectl opens them. */
export class SpdyPortForward {
  /** Resolves when the connection cannot be used any more. Never rejects. */
  readonly ended: Promise<TunnelError | undefined>;
  private readonly connection: SpdyConnection;
  private readonly creationTimeoutMs: number | undefined;
  private nextRequestId = 0;

  constructor(options: SpdyPortForwardOptions) {
    const { socket, head, clock, pingIntervalMs } = options;
    this.creationTimeoutMs = options.creationTimeoutMs;
    this.connection = new SpdyConnection({
      role: 'client',
      socket,
      clock,
      ...(head && { head }),
      ...(pingIntervalMs !== undefined && { pingIntervalMs }),
    });
    this.ended = this.connection.ended;
  }

  /** Opens a connection to a port of the pod. Rejects with a TunnelError when the streams cannot be opened. */
  async open(port: number): Promise<ForwardedConnection> {
    const headers = { port: String(port), requestid: String(this.nextRequestId++) };
    const error = await this.openStream({ streamtype: 'error', ...headers });
    error.end();
    const data = await this.openStream({ streamtype: 'data', ...headers });
    return { data, failure: readFailure(error) };
  }

  /** Closes in order. Resolves when the socket is closed. Further calls do nothing. */
  close(): Promise<void> {
    return this.connection.close();
  }

  destroy(): void {
    this.connection.destroy();
  }

  private openStream(headers: Readonly<Record<string, string>>): Promise<SpdyStream> {
    return this.connection.open(Object.entries(headers), this.creationTimeoutMs);
  }
}

const maxTextBytes = 64 * 1024;

function readFailure(error: SpdyStream): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = '';
    error.on('data', (part: Buffer) => {
      if (text.length < maxTextBytes) text += part.toString('utf8');
    });
    error.once('close', () => resolve(text === '' ? undefined : text));
    error.once('end', () => resolve(text === '' ? undefined : text));
  });
}
