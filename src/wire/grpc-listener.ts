import type { Server as NetServer, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { type ConnectionInjector, Server, ServerCredentials, type ServerOptions } from '@grpc/grpc-js';
import { type ListenEndpoint, listenOn, type SocketFile } from './socket-listener.js';
import { checkTlsFiles, type ServerTls, tlsServerOptions } from './tls.js';
import { type Refusal, watchRefusals } from './tls-refusals.js';
import { tunnelChannelOptions } from './tunnel-service.js';

/** Where a gRPC service listens. A Unix socket has no TLS: its file mode is its lock. */
export type GrpcEndpoint =
  | ({ readonly kind: 'unix' } & SocketFile)
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: ServerTls };

export interface GrpcListenerOptions {
  readonly endpoint: GrpcEndpoint;
  /** Idle time after which a peer is pinged; it then has 20 s to answer. */
  readonly keepaliveTimeMs: number;
  /** Who listens, for errors: `server/server-1`. */
  readonly where: string;
  /** Told of every peer whose TLS handshake fails. */
  readonly refused?: ((refusal: Refusal) => void) | undefined;
  /** Adds the services before the first connection is taken. */
  readonly serve: (server: Server) => void;
}

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
  if (endpoint.kind === 'tcp') checkTlsFiles(endpoint.tls, where);
  const server = new Server(serverOptions(options));
  serve(server);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const receive = receiver(options, injector);
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
    return { address, refuse, close: createClose(server, listener, sockets) };
  } catch (error) {
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

function serverOptions({ keepaliveTimeMs }: GrpcListenerOptions): ServerOptions {
  return {
    ...tunnelChannelOptions,
    'grpc.keepalive_time_ms': keepaliveTimeMs,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.keepalive_permit_without_calls': 1,
  };
}

/** TLS is ours as well: grpc-js knows neither a lowest version nor cipher suites of one server alone. */
function receiver(
  { endpoint, refused }: GrpcListenerOptions,
  injector: ConnectionInjector,
): (socket: Socket) => void {
  if (endpoint.kind === 'unix') return (socket) => injector.injectConnection(socket);
  const tls = createTlsServer({ ...tlsServerOptions(endpoint.tls), ALPNProtocols: ['h2'] }, (secured) => {
    secured.on('error', () => undefined);
    injector.injectConnection(secured);
  });
  watchRefusals(tls, refused);
  return (socket) => void tls.emit('connection', socket);
}

export function socketEndpoint(endpoint: GrpcEndpoint): ListenEndpoint {
  if (endpoint.kind === 'unix') return endpoint;
  return { host: endpoint.host, port: endpoint.port };
}
