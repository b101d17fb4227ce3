import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { joinHostPort } from '../core/address.js';
import type { Clock } from '../core/clock.js';
import { ConnectionBounds } from '../core/connection-bounds.js';
import { listenError, TunnelError } from '../core/errors.js';

export interface Page {
  readonly status: number;
  readonly body: string;
  /** The media type. Default: plain text. */
  readonly type?: string;
  /** The address of a redirect. */
  readonly location?: string;
}

export interface PageServerOptions {
  /** The address. Empty means all interfaces. */
  readonly host: string;
  /** The port. 0 means a free one. */
  readonly port: number;
  /** The name of the listening part, for errors: `agent health`. */
  readonly what: string;
  readonly clock: Clock;
  readonly answer: (request: IncomingMessage) => Promise<Page>;
}

export interface PageServer {
  readonly host: string;
  /** The real port. */
  readonly port: number;
  close(): Promise<void>;
}

export const notFound: Page = { status: 404, body: '404 page not found\n' };
/** How long a connection may have no complete request, ms. */
const idleTimeoutMs = 60_000;

/** Serves pages over plain HTTP. Rejects with ADDRESS_IN_USE or ADDRESS_UNAVAILABLE. */
export async function startPageServer(options: PageServerOptions): Promise<PageServer> {
  const bounds = new ConnectionBounds(options.clock);
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    bounds.requestBegins(request.socket);
    response.once('close', () => bounds.requestEnds(request.socket, idleTimeoutMs));
    options
      .answer(request)
      .catch((error: unknown): Page => ({ status: 500, body: `${TunnelError.from(error).message}\n` }))
      .then((page) => send(response, page))
      .catch(() => response.destroy());
  });
  server.on('connection', (socket) => bounds.expect(socket, idleTimeoutMs));
  server.on('clientError', (_error, socket) => socket.destroy());
  const port = await listen(server, options);
  let closed: Promise<void> | undefined;
  return {
    host: options.host,
    port,
    close() {
      closed ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closed;
    },
  };
}

function listen(server: Server, { host, port, what }: PageServerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    // Kept: a listener that fails later must not end the process.
    server.on('error', (cause) => {
      const address = joinHostPort(host, port);
      reject(listenError(cause, address, `${what} ${address}`));
    });
    server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port));
  });
}

function send(response: ServerResponse, page: Page): void {
  const { status, body, type = 'text/plain; charset=utf-8', location } = page;
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'X-Content-Type-Options': 'nosniff',
    ...(location === undefined ? {} : { Location: location }),
  });
  response.end(body);
}
