import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { ConnectionBounds } from '../core/connection-bounds.js';
import type { Upgrade } from '../streams/types.js';
import { refuseUpgrade } from '../streams/upgrade-response.js';
import { attributesOf } from './auth/attributes.js';
import type { DoorContext } from './door-context.js';
import { credentialsOf } from './http-credentials.js';
import { type Refusal, sendText } from './http-reply.js';
import { answerRequest, type ParsedRequest, parseRequest, subjectOf } from './http-request.js';
import { answerUpgrade } from './http-upgrade.js';
import { judgeRequest } from './judge-request.js';
import { traceRequest } from './request-trace.js';

export interface HttpDoor {
  accept(socket: TLSSocket): void;
  close(): void;
}

/** The kubelet closes a connection that has had no request for this long. */
const idleTimeoutMs = 90_000;
const maxHeaderBytes = 1024 * 1024;
/** What Go's mux answers by itself, before authentication. */
const answeredByMux = new Set(['moved', 'unregistered', 'malformed']);

/** Authenticates and authorizes a request. A refusal is reported and returned. */
async function admit(
  context: DoorContext,
  request: IncomingMessage,
  parsed: ParsedRequest,
): Promise<Refusal | undefined> {
  if (answeredByMux.has(parsed.route.kind)) return undefined;
  const attributes = attributesOf(request.method ?? 'GET', decodeURIComponent(parsed.pathname));
  const verdict = await judgeRequest(context, credentialsOf(context, request), attributes);
  if (verdict.kind === 'allowed') return undefined;
  const { status, text, reason } = verdict;
  traceRequest(context, subjectOf(request, parsed)).failed(reason, { status });
  return { status, text };
}

async function onRequest(
  context: DoorContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.on('error', () => undefined);
  request.resume();
  const parsed = parseRequest(context, request);
  count(context, request, parsed, response);
  const refusal = await admit(context, request, parsed);
  if (refusal === undefined) answerRequest(context, request, response, parsed);
  else sendText(response, refusal);
}

async function onUpgrade(context: DoorContext, upgrade: Upgrade): Promise<void> {
  const { request, socket } = upgrade;
  const parsed = parseRequest(context, request);
  count(context, request, parsed, socket);
  const refusal = await admit(context, request, parsed);
  if (socket.destroyed) return;
  if (refusal === undefined) return answerUpgrade(context, upgrade, parsed);
  refuseUpgrade(socket, { status: refusal.status, body: refusal.text }, context.clock);
}

/** Counts a request until `over` is closed. */
function count(
  { counters }: DoorContext,
  request: IncomingMessage,
  { pathname }: ParsedRequest,
  over: ServerResponse | Duplex,
): void {
  over.once('close', counters.begin(request.method ?? 'GET', pathname));
}

function createHttpServer(context: DoorContext, bounds: ConnectionBounds): Server {
  const server = createServer({ maxHeaderSize: maxHeaderBytes, keepAliveTimeout: 0 });
  server.on('request', (request, response) => {
    bounds.requestBegins(request.socket);
    response.once('close', () => bounds.requestEnds(request.socket, idleTimeoutMs));
    void onRequest(context, request, response);
  });
  server.on('upgrade', (request, socket, head) => {
    bounds.met(request.socket);
    void onUpgrade(context, { request, socket, head });
  });
  server.on('clientError', (_error, socket) => {
    // Read on and drop the bytes: closing with unread bytes would reset the connection and lose the answer.
    if (socket.writable) refuseUpgrade(socket, { status: 400, body: '400 Bad Request' }, context.clock);
  });
  return server;
}

/** Serves the kubelet's HTTP API on sockets that the caller accepted. */
export function createHttpDoor(context: DoorContext): HttpDoor {
  // Node enforces this only on sockets that it accepted itself.
  const bounds = new ConnectionBounds(context.clock);
  // Made for the first client: most kubelets of a large lab never have one.
  let server: Server | undefined;
  return {
    accept(socket) {
      bounds.expect(socket, idleTimeoutMs);
      server ??= createHttpServer(context, bounds);
      server.emit('connection', socket);
    },
    close: () => void server?.close(),
  };
}
