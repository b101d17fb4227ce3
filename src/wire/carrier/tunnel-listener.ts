import {
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import {
  firstStreamTimeoutMs,
  type Listening,
  openingTimeoutMs,
  type SecureListenerOptions,
  startSecureListener,
} from '../net/secure-listener.js';
import { boundSession } from '../net/session-bounds.js';
import { httpFault, requestFault, type TunnelMethod } from './call-headers.js';
import { keepAlive, type PingStep } from './keepalive.js';
import { limitPings, type PingLimit, type SessionTraffic } from './ping-limit.js';
import { ServedCall } from './served-call.js';
import { ServedSession } from './served-session.js';

export interface TunnelListenerOptions extends Omit<SecureListenerOptions, 'take'> {
  /** The one method that is served here. */
  readonly method: TunnelMethod;
  /** Takes each call. It must accept or refuse it. */
  readonly serve: (call: ServedCall) => void;
  /** Idle time after which a peer is pinged, ms. */
  readonly keepaliveTimeMs: number;
  /** How long a peer may take to answer before its connection is cut, ms. Default 20 s. */
  readonly keepaliveTimeoutMs?: number;
  /** Which pings peers may send. Default: any. */
  readonly pings?: PingLimit;
  /** Whether the answer of a peer to a ping counts as lost. Default: none does. */
  readonly isPingLost?: (peer: string) => boolean;
  /** Told of each ping and its answer. `peer` is `host:port`. */
  readonly pinged?: (peer: string, ping: PingStep) => void;
  /** Told of each connection. What it returns is called at the end of the connection. */
  readonly opened?: (session: ServedSession) => () => void;
  /** The first receive window of a connection and of its streams, bytes. Default: HTTP/2's, 64 KiB. */
  readonly windowBytes?: number;
}

export interface TunnelListener extends Listening {
  /** Also refuses new calls on open connections, by GOAWAY. Open calls continue. */
  drain(): void;
}

/**
 * Serves one method of the tunnel over HTTP/2. Throws ADDRESS_IN_USE, ADDRESS_UNAVAILABLE, CERT_INVALID,
 * FILE_UNWRITABLE.
 */
export async function startTunnelListener(options: TunnelListenerOptions): Promise<TunnelListener> {
  const sessions = new Set<ServerHttp2Session>();
  let draining = false;
  const take = (socket: Duplex): void => {
    const session = openSession(socket, options);
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    // The handshake went on meanwhile.
    if (draining) session.close();
  };
  const listening = await startSecureListener({ ...options, take });
  const drain = (): void => {
    draining = true;
    listening.refuse();
    for (const session of sessions) session.close();
  };
  return { ...listening, drain };
}

function openSession(socket: Duplex, options: TunnelListenerOptions): ServerHttp2Session {
  const {
    clock,
    windowBytes,
    pings,
    refused,
    keepaliveTimeMs: timeMs,
    keepaliveTimeoutMs: timeoutMs,
    isPingLost = () => false,
    pinged = () => undefined,
    opened = () => () => undefined,
  } = options;
  const session = performServerHandshake(socket, {
    // Our own bounds are on what waits.
    maxSessionMemory: Number.MAX_SAFE_INTEGER,
    settings: windowBytes === undefined ? {} : { initialWindowSize: windowBytes },
  });
  if (windowBytes !== undefined) session.setLocalWindowSize(windowBytes);
  session.on('error', () => undefined);
  // A session that is destroyed waits until its peer has read all, or has hung up.
  const cut = (): void => void socket.destroy();
  const calls = new Calls();
  const sent =
    pings === undefined ? () => undefined : limitPings(session, { ...pings, traffic: calls, refused, cut });
  session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) =>
    calls.take(stream, headers, { ...options, sent }),
  );
  boundSession(session, { clock, prefaceMs: openingTimeoutMs, firstStreamMs: firstStreamTimeoutMs, cut });
  const served = new ServedSession(session);
  keepAlive(session, {
    ...{ clock, timeMs, timeoutMs, silent: cut },
    isLost: () => isPingLost(served.peer),
    pinged: (ping) => pinged(served.peer, ping),
  });
  session.once('close', opened(served));
  return session;
}

/** The open calls of one session. */
class Calls implements SessionTraffic {
  private readonly open = new Set<ServedCall>();

  get openCalls(): number {
    return this.open.size;
  }

  get sending(): boolean {
    return [...this.open].some((call) => call.sending);
  }

  take(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    { method, serve, clock, sent }: TunnelListenerOptions & { readonly sent: () => void },
  ): void {
    const wrong = httpFault(headers);
    if (wrong !== undefined) {
      stream.on('error', () => undefined);
      stream.respond({ ':status': wrong }, { endStream: true });
      return;
    }
    const call = new ServedCall({ stream, headers, clock, sent });
    this.open.add(call);
    call.onGone(() => this.open.delete(call));
    const fault = requestFault(headers, method);
    if (fault === undefined) serve(call);
    else call.refuse(fault);
  }
}
