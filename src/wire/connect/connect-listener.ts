import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Server as NetServer, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../core/clock.js';
import { ConnectionBounds } from '../../core/connection-bounds.js';
import { methodRefusal } from '../../core/http-connect/responses.js';
import { type GrpcEndpoint, socketEndpoint } from '../net/secure-listener.js';
import { listenOn } from '../net/socket-listener.js';
import { checkTlsFiles, currentTls, followRenewals, tlsServerOptions } from '../net/tls.js';
import { type Refusal, watchRefusals } from '../net/tls-refusals.js';
import { FirstLines } from './first-lines.js';

/** How long a client may take for its TLS handshake, and then for its request head, ms. */
const headTimeoutMs = 60_000;
const maxHeadBytes = 1024 * 1024;

/** One CONNECT request. Its head was read; it is not answered yet. */
export interface ConnectRequest {
  /** The authority of the request line, `host:port`. The Host header is ignored. */
  readonly address: string;
  readonly socket: Duplex;
  /** Bytes that the client sent after the head. */
  readonly head: Uint8Array;
}

export interface ConnectListenerOptions {
  /** Called for each peer whose TLS handshake fails. */
  readonly refused?: ((refusal: Refusal) => void) | undefined;
  readonly endpoint: GrpcEndpoint;
  readonly where: string;
  readonly clock: Clock;
  /** Takes over the socket. */
  readonly serve: (request: ConnectRequest) => void;
}

/** An HTTP/1.1 server on one address that only accepts CONNECT. */
export interface ConnectListener {
  /** `host:port` with the real port, or `unix://PATH`. */
  readonly address: string;
  /** Refuses new connections. Open ones continue, each with its one call. */
  drain(): void;
  /** Stops listening and destroys every connection. Resolves when all are closed. */
  close(): Promise<void>;
}

/** Starts the server. Throws ADDRESS_IN_USE, ADDRESS_UNAVAILABLE, CERT_INVALID, FILE_UNWRITABLE. */
export async function startConnectListener(options: ConnectListenerOptions): Promise<ConnectListener> {
  const { endpoint, where } = options;
  const { server, forget } = createServer(options);
  const sockets = new Set<Socket>();
  const bounds = new ConnectionBounds(options.clock);
  const lines = new FirstLines();
  answerRequests(server, { heads: bounds, lines }, options);
  const take = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    socket.setNoDelay(true);
    // A client that ended its direction still gets the bytes for it. With TLS, this is set after the handshake.
    socket.allowHalfOpen = endpoint.kind === 'unix';
    bounds.expect(socket, headTimeoutMs);
    server.emit('connection', socket);
    if (endpoint.kind === 'unix') lines.watch(socket);
  };
  try {
    const { listener, address } = await listenOn(socketEndpoint(endpoint), { where, take });
    const drain = (): void => void listener.close();
    const close = createClose(listener, sockets);
    return { address, drain, close: () => (forget(), close()) };
  } catch (error) {
    forget();
    throw error;
  }
}

interface Created {
  readonly server: HttpServer;
  /** Stops taking renewed certificates. */
  readonly forget: () => void;
}

function createServer({ endpoint, where, refused }: ConnectListenerOptions): Created {
  // As in Konnectivity, a CONNECT without Host is accepted.
  const limits: ServerOptions = { maxHeaderSize: maxHeadBytes, requireHostHeader: false };
  if (endpoint.kind === 'unix') return { server: createHttpServer(limits), forget: () => undefined };
  const tls = currentTls(endpoint.tls);
  checkTlsFiles(tls, where);
  const server = createHttpsServer({
    ...limits,
    ...tlsServerOptions(tls),
    ALPNProtocols: ['http/1.1'],
  });
  watchRefusals(server, refused);
  return { server, forget: followRenewals(server, endpoint.tls) };
}

function createClose(listener: NetServer, sockets: ReadonlySet<Socket>): () => Promise<void> {
  let closed: Promise<void> | undefined;
  return () => {
    closed ??= new Promise((resolve) => {
      listener.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
    return closed;
  };
}

interface Heads {
  readonly heads: ConnectionBounds;
  readonly lines: FirstLines;
}

function answerRequests(
  server: HttpServer,
  { heads, lines }: Heads,
  { serve }: ConnectListenerOptions,
): void {
  server.on('secureConnection', (socket: Socket) => {
    socket.on('error', () => undefined);
    socket.allowHalfOpen = true;
    lines.watch(socket);
    heads.expect(socket, headTimeoutMs);
  });
  for (const event of ['request', 'checkContinue', 'checkExpectation']) {
    server.on(event, ({ socket }: { socket: Socket }, response: ServerResponse) => {
      heads.met(socket);
      refuseMethod(response);
    });
  }
  server.on('connect', (request: IncomingMessage, socket, head) => {
    // Later requests on a connection with a refused request are not served.
    if (!heads.met(socket)) return;
    const status = headFault(request, lines.of(socket));
    if (status === undefined) serve({ address: request.url ?? '', socket, head });
    else socket.end(errorPage(status));
  });
  server.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket) => {
    if (!code.startsWith('HPE_')) socket.destroy();
    // When the client keeps the connection open, the timer of the head closes it. More bytes call this again.
    else if (socket.writable) socket.end(errorPage(parserStatus(code)));
  });
}

/** Go's error page for other methods than CONNECT, with Go's order of headers. The connection ends after it. */
function refuseMethod(response: ServerResponse): void {
  response.shouldKeepAlive = false;
  response.removeHeader('connection');
  response.sendDate = false;
  const headers = {
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
    Date: new Date().toUTCString(),
    'Content-Length': methodRefusal.length,
  };
  response.writeHead(405, 'Method Not Allowed', headers).end(methodRefusal);
}

/** The status for requests that Go's net/http refuses and Node's parser accepts. */
function headFault({ httpVersionMajor, rawHeaders }: IncomingMessage, line: string): string | undefined {
  // Node's parser accepts several spaces and empty lines, and reads a line without a version as HTTP/0.9.
  if (!/^CONNECT [^ ]+ HTTP\/\d\.\d\r?$/.test(line) || httpVersionMajor < 1) return badRequest;
  if (httpVersionMajor > 1) return '505 HTTP Version Not Supported: unsupported protocol version';
  const hosts = rawHeaders.filter(
    (_value, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'host',
  );
  if (hosts.length > 1) return badRequest;
  return hosts.every((host) => hostBytes.test(host)) ? undefined : `${badRequest}: malformed Host header`;
}

function parserStatus(code: string): string {
  return code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : badRequest;
}

/** Go checks the characters of a Host, not their order. */
const hostBytes = /^[\w!$%&'()*+,.:;=[\]~-]*$/;
const badRequest = '400 Bad Request';

/** Go's page for a request head that it refuses. The text is the status with its reason. */
function errorPage(status: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`;
}
