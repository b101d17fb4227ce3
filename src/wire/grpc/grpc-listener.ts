import type { ServerHttp2Session } from 'node:http2';
import type { Server as NetServer, Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { type ConnectionInjector, Server, ServerCredentials, type ServerOptions } from '@grpc/grpc-js';
import type { Clock } from '../../core/clock.js';
import { ConnectionBounds } from '../../core/connection-bounds.js';
import { acceptedCertificate } from '../net/peer-certificate.js';
import { type ListenEndpoint, listenOn, type SocketFile } from '../net/socket-listener.js';
import {
  checkTlsFiles,
  currentTls,
  followRenewals,
  type Renewable,
  type ServerTls,
  tlsServerOptions,
} from '../net/tls.js';
import { type Refusal, watchRefusals } from '../net/tls-refusals.js';
import { watchServerSessions } from './grpc-internals.js';
import { limitSessionPings, type PingLimit } from './ping-limit.js';
import { boundSession } from './session-bounds.js';
import { tunnelChannelOptions } from './tunnel-service.js';

/** Where a gRPC service listens. A Unix socket has no TLS: its file mode is its lock. */
export type GrpcEndpoint =
  | ({ readonly kind: 'unix' } & SocketFile)
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly tls: ServerTls | Renewable<ServerTls>;
    };

/** A listener without TLS, only for the benchmark's comparisons. No program has a flag for it. */
export interface PlainEndpoint {
  readonly kind: 'plain';
  readonly host: string;
  readonly port: number;
}

export interface GrpcListenerOptions {
  readonly endpoint: GrpcEndpoint | PlainEndpoint;
  /** Idle time after which a peer is pinged, ms. */
  readonly keepaliveTimeMs: number;
  /** How long a peer may take to answer before its connection is cut, ms. Default 20 s. */
  readonly keepaliveTimeoutMs?: number;
  /** Which pings peers may send. Default: any. */
  readonly pings?: PingLimit;
  readonly clock: Clock;
  /** The name of the listening part, for errors: `server/server-1`. */
  readonly where: string;
  /** Common names of the certificates that may connect, only with TLS. Default: all valid certificates. */
  readonly clients?: readonly string[];
  /** Called for each peer whose TLS handshake fails, or that sends too many pings. */
  readonly refused?: ((refusal: Refusal) => void) | undefined;
  /** Adds the services, before the first connection. */
  readonly serve: (server: Server) => void;
}

/** How long a client may take for its TLS handshake, and then to start HTTP/2, ms. */
const openingTimeoutMs = 30_000;
/** How long it may then have no stream, ms. A tunnel may be idle without limit, but only once it is open. */
const firstStreamTimeoutMs = 60_000;

export interface GrpcListener {
  /** `host:port` with the real port, or `unix://PATH`. */
  readonly address: string;
  /** Refuses new connections. Open ones continue. */
  refuse(): void;
  /** Also refuses new calls on open connections, by GOAWAY. Open calls continue. */
  drain(): void;
  /** Stops listening and destroys every connection, as the end of the process does. Resolves when all are closed. */
  close(): Promise<void>;
}

/**
 * Starts a gRPC server. We open the listening socket and pass each connection to grpc-js. So a bind error is the
 * system's, every socket has an error listener from the start, and `close` reaches all of them. (grpc-js' own shutdown
 * reaches neither connections in their handshake nor, with channelz off, sessions.)
 *
 * Throws ADDRESS_IN_USE, ADDRESS_UNAVAILABLE, CERT_INVALID, FILE_UNWRITABLE.
 */
export async function startGrpcListener(options: GrpcListenerOptions): Promise<GrpcListener> {
  const { endpoint, where, serve } = options;
  if (endpoint.kind === 'tcp') checkTlsFiles(currentTls(endpoint.tls), where);
  const server = new Server(serverOptions(options));
  serve(server);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sessions = boundSessions(server, options);
  const { receive, forget } = receiver(options, injector);
  const sockets = new Set<Socket>();
  const take = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    socket.setNoDelay(true);
    receive(socket);
  };
  try {
    const { listener, address } = await listenOn(socketEndpoint(endpoint), { where, take });
    const refuse = (): void => void listener.close();
    const close = createClose(server, listener, sockets);
    const drain = (): void => {
      refuse();
      sessions.drain();
    };
    return { address, refuse, drain, close: () => (forget(), close()) };
  } catch (error) {
    forget();
    server.forceShutdown();
    throw error;
  }
}

function createClose(server: Server, listener: NetServer, sockets: ReadonlySet<Socket>): () => Promise<void> {
  let closed: Promise<void> | undefined;
  return () => {
    closed ??= new Promise((resolve) => {
      listener.close(() => resolve());
      for (const socket of sockets) socket.destroy();
      server.forceShutdown();
    });
    return closed;
  };
}

function serverOptions({ keepaliveTimeMs, keepaliveTimeoutMs = 20_000 }: GrpcListenerOptions): ServerOptions {
  return {
    ...tunnelChannelOptions,
    'grpc.keepalive_time_ms': keepaliveTimeMs,
    'grpc.keepalive_timeout_ms': keepaliveTimeoutMs,
    'grpc.keepalive_permit_without_calls': 1,
  };
}

interface Sessions {
  /** Refuses new calls, also on connections that are still in their handshake. */
  drain(): void;
}

/** grpc-js answers any number of pings, and waits without limit for the first byte. */
function boundSessions(server: Server, { pings, refused, clock }: GrpcListenerOptions): Sessions {
  const sessions = new Set<ServerHttp2Session>();
  let draining = false;
  watchServerSessions(server, (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    boundSession(session, { clock, prefaceMs: openingTimeoutMs, firstStreamMs: firstStreamTimeoutMs });
    if (pings !== undefined) limitSessionPings(session, pings, refused);
    if (draining) session.close();
  });
  return {
    drain: () => {
      draining = true;
      for (const session of sessions) session.close();
    },
  };
}

interface Receiver {
  readonly receive: (socket: Socket) => void;
  /** Stops taking renewed certificates. */
  readonly forget: () => void;
}

/** TLS is done here: grpc-js sets no minimum version or cipher suites for one server, and renews no files. */
function receiver(
  { endpoint, clients, refused, clock }: GrpcListenerOptions,
  injector: ConnectionInjector,
): Receiver {
  if (endpoint.kind !== 'tcp') {
    return { receive: (socket) => injector.injectConnection(socket), forget: () => undefined };
  }
  const options = { ...tlsServerOptions(currentTls(endpoint.tls)), ALPNProtocols: ['h2'] };
  const handshakes = new ConnectionBounds(clock);
  const tls = createTlsServer(options, (secured) => {
    secured.on('error', () => undefined);
    handshakes.met(secured);
    if (isWelcome(secured, clients, refused)) injector.injectConnection(secured);
  });
  watchRefusals(tls, refused);
  return {
    receive: (socket) => {
      handshakes.expect(socket, openingTimeoutMs);
      tls.emit('connection', socket);
    },
    forget: followRenewals(tls, endpoint.tls),
  };
}

/** A peer with the certificate of another part is refused before HTTP/2. */
function isWelcome(
  socket: TLSSocket,
  clients: GrpcListenerOptions['clients'],
  refused: GrpcListenerOptions['refused'],
): boolean {
  if (clients === undefined) return true;
  const name = String(acceptedCertificate(socket)?.subject?.CN ?? '');
  if (clients.includes(name)) return true;
  const peer = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
  refused?.({ peer, error: `client certificate: ${JSON.stringify(name)} may not connect here` });
  socket.destroy();
  return false;
}

export function socketEndpoint(endpoint: GrpcEndpoint | PlainEndpoint): ListenEndpoint {
  if (endpoint.kind === 'unix') return endpoint;
  return { host: endpoint.host, port: endpoint.port };
}
