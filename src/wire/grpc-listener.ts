import type { Server as NetServer, Socket } from 'node:net';
import { type ConnectionInjector, Server, ServerCredentials, type ServerOptions } from '@grpc/grpc-js';
import { type ListenEndpoint, listenOn } from './socket-listener.js';
import { checkTlsFiles, type TlsFiles } from './tls.js';
import { tunnelChannelOptions } from './tunnel-service.js';

/** Where a gRPC service listens. A Unix socket has no TLS: its file mode (0600) is its lock. */
export type GrpcEndpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: TlsFiles };

export interface GrpcListenerOptions {
  readonly endpoint: GrpcEndpoint;
  /** Idle time after which a peer is pinged; it then has 20 s to answer. */
  readonly keepaliveTimeMs: number;
  /** Who listens, for errors: `server/server-1`. */
  readonly where: string;
  /** Adds the services before the first connection is taken. */
  readonly serve: (server: Server) => void;
}

/** A gRPC server on one address. */
export interface GrpcListener {
  /** `host:port` with the real port, or `unix://PATH`. */
  readonly address: string;
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
  const credentials = serverCredentials(endpoint, where);
  const server = new Server(serverOptions(options));
  serve(server);
  const injector: ConnectionInjector = server.createConnectionInjector(credentials);
  const sockets = new Set<Socket>();
  const take = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    socket.setNoDelay(true);
    injector.injectConnection(socket);
  };
  try {
    const { listener, address } = await listenOn(socketEndpoint(endpoint), { where, take });
    return { address, close: createClose(server, listener, sockets) };
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

function serverCredentials(endpoint: GrpcEndpoint, where: string): ServerCredentials {
  if (endpoint.kind === 'unix') return ServerCredentials.createInsecure();
  const { ca, cert, key } = endpoint.tls;
  checkTlsFiles(endpoint.tls, where);
  const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) };
  return ServerCredentials.createSsl(Buffer.from(ca), [pair], true);
}

export function socketEndpoint(endpoint: GrpcEndpoint): ListenEndpoint {
  if (endpoint.kind === 'unix') return { path: endpoint.path };
  return { host: endpoint.host, port: endpoint.port };
}
