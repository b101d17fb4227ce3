import type { Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type TLSSocket,
  type TlsOptions,
  type Server as TlsServer,
} from 'node:tls';
import type { Clock } from '../../core/clock.js';
import { ConnectionBounds } from '../../core/connection-bounds.js';
import { TunnelError } from '../../core/errors.js';
import { alpnOptions, type HandshakeFaults, type OddHandshake } from './handshake-faults.js';
import { acceptedCertificate, peerOf } from './peer-certificate.js';
import { type ListenEndpoint, listenOn, type SocketFile } from './socket-listener.js';
import {
  checkTlsFiles,
  currentTls,
  followRenewals,
  type Renewable,
  type ServerTls,
  tlsServerOptions,
} from './tls.js';
import { type Refusal, watchRefusals } from './tls-refusals.js';

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

/** How long a client may take for its TLS handshake, and then to start HTTP/2, ms. */
export const openingTimeoutMs = 30_000;
/** How long it may then have no stream, ms. A tunnel may be idle without limit, but only once it is open. */
export const firstStreamTimeoutMs = 60_000;

export interface SecureListenerOptions {
  readonly endpoint: GrpcEndpoint | PlainEndpoint;
  readonly clock: Clock;
  /** The name of the listening part, for errors: `server/server-1`. */
  readonly where: string;
  /** Common names of the certificates that may connect, only with TLS. Default: all valid certificates. */
  readonly clients?: readonly string[];
  /** What is wrong in its handshakes. Default: nothing. */
  readonly handshakes?: HandshakeFaults | undefined;
  /** Called for each peer whose TLS handshake fails. */
  readonly refused?: ((refusal: Refusal) => void) | undefined;
  /** Gets each connection, after its TLS handshake if there is one. The socket has an error listener. */
  readonly take: (socket: Socket) => void;
}

export interface Listening {
  /** `host:port` with the real port, or `unix://PATH`. */
  readonly address: string;
  /** Refuses new connections. Open ones continue. */
  refuse(): void;
  /** Stops listening and destroys every connection, as the end of the process does. Resolves when all are closed. */
  close(): Promise<void>;
}

/**
 * Listens for HTTP/2 clients. The sockets are ours, so a bind error is the system's, every socket has an error listener
 * from the start, and `close` reaches all of them, also those in their handshake.
 *
 * Throws ADDRESS_IN_USE, ADDRESS_UNAVAILABLE, CERT_INVALID, FILE_UNWRITABLE.
 */
export async function startSecureListener(options: SecureListenerOptions): Promise<Listening> {
  const { endpoint, where } = options;
  if (endpoint.kind === 'tcp') checkTlsFiles(currentTls(endpoint.tls), where);
  const { receive, forget } = receiver(options);
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
    const closed = new Promise<void>((resolve) => listener.once('close', resolve));
    const refuse = (): void => void listener.close();
    const close = (): Promise<void> => {
      forget();
      refuse();
      for (const socket of sockets) socket.destroy();
      return closed;
    };
    return { address, refuse, close };
  } catch (error) {
    forget();
    throw error;
  }
}

interface Receiver {
  readonly receive: (socket: Socket) => void;
  /** Stops taking renewed certificates. */
  readonly forget: () => void;
}

function receiver(options: SecureListenerOptions): Receiver {
  const { endpoint, clock, take, handshakes } = options;
  if (endpoint.kind !== 'tcp') return { receive: take, forget: () => undefined };
  const bounds = new ConnectionBounds(clock);
  const opened = (secured: TLSSocket): void => {
    secured.on('error', () => undefined);
    bounds.met(secured);
    if (isWelcome(secured, options)) take(secured);
  };
  const usual = serveTls(options, tlsServerOptions(currentTls(endpoint.tls)), opened);
  return {
    receive: (socket) => {
      bounds.expect(socket, openingTimeoutMs);
      const odd = handshakes?.next();
      const server = odd === undefined ? usual : oddServer(options, endpoint.tls, { odd, opened });
      if (server === undefined) socket.destroy();
      else server.emit('connection', socket);
    },
    forget: followRenewals(usual, endpoint.tls),
  };
}

type Opened = (secured: TLSSocket) => void;

function serveTls(
  { refused }: SecureListenerOptions,
  tls: TlsOptions,
  opened: Opened,
  alpn: readonly string[] = ['h2'],
): TlsServer {
  const server = createTlsServer({ ...tls, ...alpnOptions(alpn) }, opened);
  watchRefusals(server, refused);
  return server;
}

/** For one connection. Undefined when its certificates cannot be used. */
function oddServer(
  options: SecureListenerOptions,
  usual: ServerTls | Renewable<ServerTls>,
  { odd, opened }: { readonly odd: OddHandshake; readonly opened: Opened },
): TlsServer | undefined {
  const tls = { ...currentTls(usual), ...odd.tls };
  try {
    checkTlsFiles(tls, options.where);
  } catch (error) {
    options.refused?.({ peer: '', error: TunnelError.from(error).message });
    return undefined;
  }
  return serveTls(options, tlsServerOptions(tls), opened, odd.alpn);
}

/** A peer with the certificate of another part, or with one that this end does not accept, is refused before HTTP/2. */
function isWelcome(socket: TLSSocket, { clients, refused, handshakes }: SecureListenerOptions): boolean {
  const fault = handshakes?.judge(socket) ?? strangerFault(socket, clients);
  if (fault === undefined) return true;
  refused?.({ peer: peerOf(socket), error: `client certificate: ${fault}` });
  socket.destroy();
  return false;
}

function strangerFault(socket: TLSSocket, clients: SecureListenerOptions['clients']): string | undefined {
  if (clients === undefined) return undefined;
  const name = String(acceptedCertificate(socket)?.subject?.CN ?? '');
  return clients.includes(name) ? undefined : `${JSON.stringify(name)} may not connect here`;
}

export function socketEndpoint(endpoint: GrpcEndpoint | PlainEndpoint): ListenEndpoint {
  if (endpoint.kind === 'unix') return endpoint;
  return { host: endpoint.host, port: endpoint.port };
}
