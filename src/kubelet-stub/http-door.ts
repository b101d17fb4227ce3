import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Timer } from '../core/clock.js';
import { refuseUpgrade } from '../streams/upgrade-response.js';
import type { DoorContext } from './door.js';
import { sendText } from './http-reply.js';
import { answerRequest, parseRequest, subjectOf } from './http-request.js';
import { answerUpgrade } from './http-upgrade.js';
import { identifyPeer } from './peer-identity.js';
import { traceRequest } from './request-trace.js';

/** The HTTP/1.1 door of a kubelet. */
export interface HttpDoor {
  /** Takes over a TLS socket. */
  accept(socket: TLSSocket): void;
  close(): void;
}

/** The kubelet closes a connection on which no request runs for this long. */
const idleTimeoutMs = 90_000;
const maxHeaderBytes = 1024 * 1024;

/** Closes connections on which no request runs. Node looks after that only for sockets that it accepted itself. */
class IdleWatch {
  private readonly timers = new Map<Duplex, Timer>();
  private readonly context: DoorContext;

  constructor(context: DoorContext) {
    this.context = context;
  }

  idle(socket: Duplex): void {
    if (socket.destroyed) return;
    this.busy(socket);
    this.timers.set(
      socket,
      this.context.clock.after(idleTimeoutMs, () => socket.destroy(), true),
    );
  }

  busy(socket: Duplex): void {
    this.timers.get(socket)?.cancel();
    this.timers.delete(socket);
  }
}

const unauthorized = { status: 401, text: 'Unauthorized' };

/** Whether the peer may ask. If not, that is reported, and the answer is 401. */
function admit(context: DoorContext, request: IncomingMessage): boolean {
  const identity = identifyPeer(request.socket as TLSSocket);
  if (identity.kind === 'client') return true;
  const trace = traceRequest(context, subjectOf(request, parseRequest(request)));
  trace.failed(`Unauthorized: ${identity.reason}`, { status: unauthorized.status });
  return false;
}

function onRequest(context: DoorContext, request: IncomingMessage, response: ServerResponse): void {
  response.on('error', () => undefined);
  request.resume();
  if (admit(context, request)) answerRequest(context, request, response);
  else sendText(response, unauthorized);
}

function createHttpServer(context: DoorContext, watch: IdleWatch): Server {
  const server = createServer({ maxHeaderSize: maxHeaderBytes, keepAliveTimeout: 0 });
  server.on('request', (request, response) => {
    watch.busy(request.socket);
    response.once('close', () => watch.idle(request.socket));
    onRequest(context, request, response);
  });
  server.on('upgrade', (request, socket, head) => {
    watch.busy(socket);
    const upgrade = { request, socket, head };
    if (admit(context, request)) answerUpgrade(context, upgrade);
    else refuseUpgrade(socket, { status: 401, body: unauthorized.text }, context.clock);
  });
  server.on('clientError', (_error, socket) => {
    // Read on and drop: to close with bytes unread would reset the connection, and the answer with it.
    if (socket.writable) refuseUpgrade(socket, { status: 400, body: '400 Bad Request' }, context.clock);
  });
  return server;
}

/** Serves the kubelet's HTTP API on sockets that somebody else accepted. */
export function createHttpDoor(context: DoorContext): HttpDoor {
  const watch = new IdleWatch(context);
  const server = createHttpServer(context, watch);
  return {
    accept(socket) {
      watch.idle(socket);
      socket.once('close', () => watch.busy(socket));
      server.emit('connection', socket);
    },
    close: () => void server.close(),
  };
}
