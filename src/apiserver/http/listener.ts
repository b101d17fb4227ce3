import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  constants as http2Constants,
  type ServerHttp2Session,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions } from 'node:tls';
import { joinHostPort } from '../../core/address.js';
import type { Clock } from '../../core/clock.js';
import { ConnectionBounds } from '../../core/connection-bounds.js';
import { listenError, TunnelError } from '../../core/errors.js';
import type { Upgrade } from '../../streams/types.js';
import { refuseUpgrade } from '../../streams/upgrade-response.js';
import { withoutResumption } from '../../wire/net/peer-certificate.js';
import { boundSession } from '../../wire/net/session-bounds.js';
import { currentTls, isRenewable, type Renewable } from '../../wire/net/tls.js';
import { StatusError } from '../request/status.js';
import { maxHeaders, Upgrades } from './upgrades.js';

/** PEM texts. Clients are asked for a certificate of `clientCa`, but may connect without one. */
export interface ServingTls {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly clientCa: string | Buffer;
}

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly tls: ServingTls | Renewable<ServingTls>;
  readonly onRequest: (request: IncomingMessage, response: ServerResponse, abort: () => void) => void;
  /** Returns false for an Upgrade header that means nothing: the request comes again, to `onRequest`. */
  readonly onUpgrade: (upgrade: Upgrade) => boolean;
}

export interface Listener {
  readonly port: number;
  /** Stops accepting connections and ends idle ones. Resolves when all have ended. */
  readonly drain: () => Promise<void>;
  close(): Promise<void>;
}

/** Go's default limit for request headers; long exec commands are in the URL. */
const maxHeaderBytes = 1024 * 1024;
/** kube-apiserver's time limit for the handshake, for the head of a request, and between requests, ms. */
const headTimeoutMs = 32_000;
const idleTimeoutMs = 90_000;
/** How long an upgrade waits for the answers to earlier requests of its connection, ms. */
const turnTimeoutMs = 90_000;
/** How long Go's server waits for the HTTP/2 preface, ms. */
const prefaceTimeoutMs = 10_000;

type AnyResponse = Http2ServerResponse | ServerResponse;

/** What we need to close a connection from outside its protocol. */
interface Connections {
  readonly sockets: Set<Socket>;
  readonly sessions: WeakMap<
    ServerHttp2Session,
    { readonly socket: Socket | undefined; openStreams: number }
  >;
}

/** HTTP/2 and HTTP/1.1 on one port: kubectl offers no ALPN for upgrades, which need HTTP/1.1. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const server = createServer(options);
  const connections: Connections = { sockets: new Set(), sessions: new WeakMap() };
  const bounds = boundConnections(server, options.clock);
  server.on('connection', (socket: Socket) => {
    connections.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => connections.sockets.delete(socket));
  });
  const live = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    live.add(session);
    session.once('close', () => live.delete(session));
    watchSession(session, connections);
  });
  listenToRequests(server, options, { bounds, cut: (response) => cut(response, connections) });
  const port = await startListening(server, options);
  const { tls } = options;
  const forget = isRenewable(tls)
    ? tls.subscribe((renewed) => server.setSecureContext(secureOptions(renewed)))
    : () => undefined;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    forget();
    return stop(server, connections.sockets);
  };
  return { port, drain: () => drain(server, live), close: () => (closing ??= close()) };
}

function listenToRequests(
  server: Http2SecureServer,
  { clock, onRequest, onUpgrade }: ListenerOptions,
  { bounds, cut }: { readonly bounds: ConnectionBounds; readonly cut: (response: AnyResponse) => void },
): void {
  const upgrades = new Upgrades((socket) => server.emit('secureConnection', socket));
  const begin = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    boundRequest({ bounds, clock }, request, response);
    if (request.httpVersionMajor < 2) upgrades.request(request, response);
  };
  server.on('request', (request, response) => {
    begin(request, response);
    const [plainRequest, plainResponse] = [request as unknown, response as unknown];
    onRequest(plainRequest as IncomingMessage, plainResponse as ServerResponse, () => cut(response));
  });
  // Node would answer the same, but would not tell us of the request.
  server.on('checkExpectation', (request, response) => {
    begin(request, response);
    response.writeHead(417).end();
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    bounds.expect(request.socket, turnTimeoutMs);
    upgrades.inTurn({ request, socket, head }, (upgrade) => {
      bounds.met(request.socket);
      if (request.rawHeaders.length >= 2 * maxHeaders) refuse(socket, 431, clock);
      else if (!onUpgrade(upgrade)) upgrades.repeat(upgrade);
    });
  });
}

function createServer(options: ListenerOptions): Http2SecureServer {
  try {
    const server = createSecureServer({
      allowHTTP1: true,
      ...secureOptions(currentTls(options.tls)),
      requestCert: true,
      // A client without a valid certificate may still have a token; without both it gets a 401.
      rejectUnauthorized: false,
      settings: { maxHeaderListSize: maxHeaderBytes },
    });
    Object.assign(server, { maxHeaderSize: maxHeaderBytes, maxHeadersCount: maxHeaders });
    server.on('error', () => undefined);
    server.on('sessionError', () => undefined);
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    server.on('clientError', (error, socket) => answerGarbage(error, socket, options.clock));
    return server;
  } catch (caught) {
    throw TunnelError.from(caught, 'CERT_INVALID', 'apiserver TLS');
  }
}

/** Ends connections that are too slow with the handshake, the preface or a head, and idle ones. */
function boundConnections(server: Http2SecureServer, clock: Clock): ConnectionBounds {
  const bounds = new ConnectionBounds(clock);
  server.on('connection', (socket: Socket) => bounds.expect(socket, headTimeoutMs));
  server.on('secureConnection', (socket) => {
    if (socket.alpnProtocol === 'h2') bounds.met(socket);
    else bounds.expect(socket, headTimeoutMs);
  });
  server.on('session', (session) =>
    boundSession(session, { clock, prefaceMs: prefaceTimeoutMs, idleMs: idleTimeoutMs }),
  );
  return bounds;
}

/** How long the rest of a body may take after its request was answered, ms. */
const lateBodyMs = 1_000;

/** Ends an answered request, even if its body has not arrived completely. */
function boundRequest(
  { bounds, clock }: { readonly bounds: ConnectionBounds; readonly clock: Clock },
  request: Http2ServerRequest,
  response: Http2ServerResponse,
): void {
  if (request.httpVersionMajor < 2) {
    const { socket } = request;
    bounds.requestBegins(socket);
    response.once('close', () => bounds.requestEnds(socket, idleTimeoutMs));
    return;
  }
  const { stream } = request;
  // A reset can overtake the end of the answer, so a request without a body gets no reset.
  if (stream.endAfterHeaders) return;
  // The response's own event comes only at the end of the stream.
  stream.once('finish', () => {
    if (stream.readableEnded || stream.closed) return;
    const timer = clock.after(lateBodyMs, () => stream.close(http2Constants.NGHTTP2_NO_ERROR), true);
    stream.once('close', () => timer.cancel());
  });
}

function secureOptions({ cert, key, clientCa: ca }: ServingTls): SecureContextOptions {
  return { cert, key, ca, ...withoutResumption };
}

function watchSession(session: ServerHttp2Session, { sockets, sessions }: Connections): void {
  // A session hides its socket's destroy(); the port identifies the socket.
  const { remotePort } = session.socket;
  const socket = [...sockets].find((candidate) => candidate.remotePort === remotePort);
  const state = { socket, openStreams: 0 };
  sessions.set(session, state);
  session.on('error', () => undefined);
  session.on('stream', (stream) => {
    state.openStreams++;
    stream.on('error', () => undefined);
    stream.once('close', () => state.openStreams--);
  });
}

/**
 * Ends an answer that cannot be completed. A connection without other streams is closed without a farewell, which
 * clients report as `unexpected EOF`; on a shared connection only this stream is ended. What was written before is
 * still sent.
 */
function cut(response: AnyResponse, { sessions }: Connections): void {
  setImmediate(() => {
    if (!('stream' in response)) {
      response.destroy();
      return;
    }
    const { stream } = response;
    const known = sessions.get(stream.session as ServerHttp2Session);
    if (known?.socket !== undefined && known.openStreams <= 1) known.socket.destroy();
    else stream.close(http2Constants.NGHTTP2_INTERNAL_ERROR);
  });
}

/** Answers bytes that are not HTTP, or are too many. Later bytes are read and dropped. */
function answerGarbage(error: Error & { code?: string }, socket: Duplex, clock: Clock): void {
  if (!socket.writable) return;
  refuse(socket, error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400, clock);
}

function refuse(socket: Duplex, code: 400 | 431, clock: Clock): void {
  const text = code === 431 ? 'request header too large' : 'malformed HTTP request';
  const { status } = new StatusError(code, text, { reason: 'BadRequest' });
  const body = JSON.stringify(status);
  refuseUpgrade(socket, { status: code, contentType: 'application/json', body }, clock);
}

function startListening(server: Http2SecureServer, { host, port }: ListenerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(listenError(error, joinHostPort(host, port), 'apiserver'));
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** GOAWAY tells HTTP/2 clients to use another connection; open streams may finish. */
function drain(server: Http2SecureServer, sessions: ReadonlySet<ServerHttp2Session>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const session of sessions) session.close();
  return closed;
}

function stop(server: Http2SecureServer, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });
}
