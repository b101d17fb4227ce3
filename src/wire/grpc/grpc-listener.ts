import type { Socket } from 'node:net';
import { type ConnectionInjector, Server, ServerCredentials } from '@grpc/grpc-js';
import {
  firstStreamTimeoutMs,
  type Listening,
  type SecureListenerOptions,
  startSecureListener,
} from '../net/secure-listener.js';
import { CallBounds } from './call-bounds.js';

export interface GrpcListenerOptions extends Omit<SecureListenerOptions, 'take'> {
  /** Idle time after which a peer is pinged, ms. */
  readonly keepaliveTimeMs: number;
  /** Adds the services, before the first connection. */
  readonly serve: (server: Server) => void;
}

/**
 * Starts a gRPC server behind a listener of our own. Open calls end with `close`.
 *
 * Throws ADDRESS_IN_USE, ADDRESS_UNAVAILABLE, CERT_INVALID, FILE_UNWRITABLE.
 */
export async function startGrpcListener(options: GrpcListenerOptions): Promise<Listening> {
  const { clock, keepaliveTimeMs } = options;
  const bounds = new CallBounds({ clock, firstCallMs: firstStreamTimeoutMs });
  const server = new Server({
    'grpc.enable_channelz': 0,
    'grpc.keepalive_time_ms': keepaliveTimeMs,
    'grpc.keepalive_timeout_ms': 20_000,
    interceptors: [bounds.interceptor],
  });
  options.serve(server);
  // TLS is done already: grpc-js sets no minimum version or cipher suites for one server, and renews no files.
  const injector: ConnectionInjector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const take = (socket: Socket): void => {
    bounds.watch(socket);
    injector.injectConnection(socket);
  };
  try {
    const listening = await startSecureListener({ ...options, take });
    return {
      ...listening,
      close: () => {
        const closed = listening.close();
        server.forceShutdown();
        return closed;
      },
    };
  } catch (error) {
    server.forceShutdown();
    throw error;
  }
}
