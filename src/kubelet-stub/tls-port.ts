import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import {
  createServer as createSecureServer,
  type SecureContextOptions,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls';
import { joinHostPort } from '../core/address.js';
import type { Clock } from '../core/clock.js';
import { ConnectionBounds } from '../core/connection-bounds.js';
import { listenError, TunnelError } from '../core/errors.js';
import type { HandshakeFaults, OddHandshake } from '../wire/net/handshake-faults.js';
import { withoutResumption } from '../wire/net/peer-certificate.js';
import { currentTls, isRenewable, type Renewable } from '../wire/net/tls.js';

export interface KubeletTls {
  /** The kubelet's own PEM certificate chain and key. */
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** PEM of the CA that signs accepted client certificates. */
  readonly clientCa: string | Buffer;
}

export interface TlsPortOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: KubeletTls | Renewable<KubeletTls>;
  readonly clock: Clock;
  /** The time limit for a TLS handshake, counted from the connection's start. */
  readonly handshakeTimeoutMs: number;
  /** What is wrong in its handshakes. Default: nothing. */
  readonly handshakes?: HandshakeFaults | undefined;
  /** How long a new connection waits for its handshake, ms. Default: it does not wait. */
  readonly delayMs?: () => number;
  /** A peer without a valid certificate fails in its handshake. Default: it gets an answer of the doors. */
  readonly demanding?: boolean;
  /** TLS is made ready for the first connection: it costs a millisecond. Default false: a bad certificate is found now. */
  readonly lazy?: boolean;
  /** Takes over a socket after its handshake, by the protocol that ALPN chose. */
  readonly accept: { readonly h2: (socket: TLSSocket) => void; readonly http1: (socket: TLSSocket) => void };
}

export interface TlsPort {
  readonly address: { readonly host: string; readonly port: number };
  /** Connections in any state, handshakes included. */
  readonly openConnections: number;
  close(): Promise<void>;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => reject(listenError(error, joinHostPort(host, port), 'kubelet'));
    server.once('error', onError);
    server.listen(port, host, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

function createTlsServer({ tls, demanding = false }: TlsPortOptions): TlsServer {
  try {
    return createSecureServer({
      ...secureOptions(currentTls(tls)),
      // The server's order decides. gRPC offers only h2; a kube-apiserver offers both and needs the HTTP door.
      ALPNProtocols: ['http/1.1', 'h2'],
      // Unless it is demanding, a peer without a valid certificate gets an answer (401, UNAUTHENTICATED).
      requestCert: true,
      rejectUnauthorized: demanding,
      allowHalfOpen: demanding,
    });
  } catch (caught) {
    throw TunnelError.from(caught, 'CERT_INVALID', 'kubelet certificate');
  }
}

/** The part of the port that does TLS. It listens nowhere: it gets its connections as events. */
function openDoors(options: TlsPortOptions, handshakes: ConnectionBounds): TlsServer {
  const server = createTlsServer(options);
  server.on('secureConnection', (socket) => {
    handshakes.met(socket);
    dispatch(socket, options);
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

/** For one connection. */
function oddDoors(options: TlsPortOptions, handshakes: ConnectionBounds, { tls }: OddHandshake): TlsServer {
  const { ca, cert, key } = tls;
  const own = currentTls(options.tls);
  const odd = { cert: cert ?? own.cert, key: key ?? own.key, clientCa: ca ?? own.clientCa };
  return openDoors({ ...options, tls: odd }, handshakes);
}

function afterDelay({ clock, delayMs }: TlsPortOptions, socket: Socket, then: () => void): void {
  const waitMs = delayMs?.() ?? 0;
  if (waitMs === 0) return then();
  const timer = clock.after(waitMs, then);
  socket.once('close', () => timer.cancel());
}

function secureOptions({ cert, key, clientCa: ca }: KubeletTls): SecureContextOptions {
  return { cert, key, ca, ...withoutResumption };
}

function dispatch(socket: TLSSocket, { accept }: TlsPortOptions): void {
  socket.on('error', () => socket.destroy());
  if (socket.alpnProtocol === 'h2') accept.h2(socket);
  else accept.http1(socket);
}

/** Hands TLS connections on by ALPN: `h2` to gRPC, others to HTTP/1.1. A bad peer loses only its own connection. */
export async function openTlsPort(options: TlsPortOptions): Promise<TlsPort> {
  const { tls, lazy = false } = options;
  const handshakes = new ConnectionBounds(options.clock);
  let doors = lazy ? undefined : openDoors(options, handshakes);
  const forget = isRenewable(tls)
    ? tls.subscribe((renewed) => doors?.setSecureContext(secureOptions(renewed)))
    : () => undefined;
  const sockets = new Set<Socket>();
  // Small frames (window updates, keystrokes) must not wait 40 ms for the peer's delayed acknowledgement.
  const server = createServer({ noDelay: true, allowHalfOpen: options.demanding === true });
  // The raw TCP connection, before TLS. Its TLS socket ends with it.
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
    afterDelay(options, socket, () => {
      handshakes.expect(socket, options.handshakeTimeoutMs);
      const odd = options.handshakes?.next();
      if (odd !== undefined) return void oddDoors(options, handshakes, odd).emit('connection', socket);
      doors ??= openDoors(options, handshakes);
      doors.emit('connection', socket);
    });
  });
  await listen(server, options.host, options.port);
  server.on('error', () => undefined);
  const { address: host, port } = server.address() as AddressInfo;
  const closed = new Promise<void>((resolve) => server.once('close', () => resolve()));
  return {
    address: { host, port },
    get openConnections() {
      return sockets.size;
    },
    close() {
      forget();
      if (server.listening) server.close();
      for (const socket of sockets) socket.destroy();
      return closed;
    },
  };
}
