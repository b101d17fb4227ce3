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

/** Without TLS: for the bench alone, which compares like with like. No program of ours has a flag for it. */
export interface PlainEndpoint {
  readonly kind: 'plain';
  readonly host: string;
  readonly port: number;
}

export interface GrpcListenerOptions {
  readonly endpoint: GrpcEndpoint | PlainEndpoint;
  /** Time after which a peer is pinged. */
  readonly keepaliveTimeMs: number;
  /** How long it may take to answer, ms, before its connection is cut; default 20 s. */
  readonly keepaliveTimeoutMs?: number;
  /** What pings peers may send; any when absent. */
  readonly pings?: PingLimit;
  readonly clock: Clock;
  /** Who listens, for errors: `server/server-1`. */
  readonly where: string;
  /** Who may come, by the common name of its certificate; all whose certificate is good when absent. For TLS alone. */
  readonly clients?: readonly string[];
  /** Told of every peer whose TLS handshake fails, or that pings too much. */
  readonly refused?: ((refusal: Refusal) => void) | undefined;
  /** Adds the services before the first connection is taken. */
  readonly serve: (server: Server) => void;
}

/** How long a client may take for its TLS handshake, and as long again to begin HTTP/2, ms. */
const openingTimeoutMs = 30_000;
/** How long it may then ask for nothing, ms. Tunnels may be idle for ever, but only once they are there. */
const firstStreamTimeoutMs = 60_000;

/** A gRPC server on one address. */
export interface GrpcListener {
  /** `host:port` with the real port, or `unix://PATH`. */
  readonly address: string;
  /** Takes no more connections; those open go on. */
  refuse(): void;
  /** Stops listening and destroys every connection, as the end of the process would; resolves when all are gone. */
  close(): Promise<void>;
}

/**
 * Starts a gRPC server. The listening socket is ours and each connection is handed to grpc-js: so a bind error is the
 * system's own, every socket has an error listener from birth, and closing reaches all of them (grpc-js' own shutdown
 * knows neither connections in their handshake nor, with channelz off, any session).
 *
 * Throws ADDRESS_IN_USE, ADDRESS_UNAVAILABLE, CERT_INVALID, FILE_UNWRITABLE.
 */
export async function startGrpcListener(options: GrpcListenerOptions): Promise<GrpcListener> {
  const { endpoint, where, serve } = options;
  if (endpoint.kind === 'tcp') checkTlsFiles(currentTls(endpoint.tls), where);
  const server = new Server(serverOptions(options));
  serve(server);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  boundSessions(server, options);
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
    return { address, refuse, close: () => (forget(), close()) };
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

/** grpc-js answers any number of pings, and waits for ever for the first byte. */
function boundSessions(server: Server, { pings, refused, clock }: GrpcListenerOptions): void {
  watchServerSessions(server, (session) => {
    boundSession(session, { clock, prefaceMs: openingTimeoutMs, firstStreamMs: firstStreamTimeoutMs });
    if (pings !== undefined) limitSessionPings(session, pings, refused);
  });
}

interface Receiver {
  readonly receive: (socket: Socket) => void;
  /** Takes no renewed certificates any more. */
  readonly forget: () => void;
}

/**
 * TLS is ours as well: grpc-js knows neither a lowest version nor cipher suites of one server alone, nor certificates
 * that are renewed.
 */
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

/** One whose certificate is another party's is turned away before HTTP/2. */
function isWelcome(
  socket: TLSSocket,
  clients: GrpcListenerOptions['clients'],
  refused: GrpcListenerOptions['refused'],
): boolean {
  if (clients === undefined) return true;
  const name = String(acceptedCertificate(socket)?.subject?.CN ?? '');
  if (clients.includes(name)) return true;
  const peer = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
  refused?.({ peer, error: `client certificate: of ${JSON.stringify(name)}, who may not come here` });
  socket.destroy();
  return false;
}

export function socketEndpoint(endpoint: GrpcEndpoint | PlainEndpoint): ListenEndpoint {
  if (endpoint.kind === 'unix') return endpoint;
  return { host: endpoint.host, port: endpoint.port };
}
