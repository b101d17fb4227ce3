import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { joinHostPort } from '../core/address.js';
import { TunnelError } from '../core/errors.js';
import type { MetricsText } from './metric-kit.js';

/** One thing that readiness depends on. */
export interface HealthCheck {
  /** As in `[+]NAME ok`. */
  readonly name: string;
  /** Why it fails, or undefined when it does not. */
  readonly failure?: string | undefined;
}

export interface Readiness {
  readonly ok: boolean;
  /** What a server says when it is not ready: `no connection to any proxy agent`. */
  readonly text: string;
  /** What an agent lists. */
  readonly checks?: readonly HealthCheck[];
}

export interface HealthOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /**
   * How not being ready looks: a `server` answers 500 with the text; an `agent` answers 503 with its checks, and lists
   * them when ready too if asked with `?verbose`.
   */
  readonly style: 'server' | 'agent';
  readonly ready: () => Readiness;
  /** Served at `/metrics`; without it that path is not found. */
  readonly metrics?: MetricsText;
}

export interface HealthServer {
  readonly host: string;
  /** The port taken. */
  readonly port: number;
  /** Ends listener and connections. */
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

/** As Go's server: a client that dawdles with its header is cut. */
const headersTimeoutMs = 60_000;

/**
 * Serves `/healthz`, `/readyz`, `/ready` and `/metrics` over plain HTTP, with Konnectivity's codes and texts. Rejects
 * with ADDRESS_IN_USE or ADDRESS_UNAVAILABLE.
 */
export async function startHealthServer(options: HealthOptions): Promise<HealthServer> {
  const server = createServer({ headersTimeout: headersTimeoutMs }, (request, response) => {
    response.on('error', () => undefined);
    answer(request, options)
      .catch((error: unknown): Answer => ({ status: 500, body: `${TunnelError.from(error).message}\n` }))
      .then(
        (reply) => send(response, reply),
        () => response.destroy(),
      );
  });
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

function listen(server: Server, { host, port, style }: HealthOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    // Stays on: a listener that fails later must not end the process.
    server.on('error', (cause: NodeJS.ErrnoException) => {
      const code = cause.code === 'EADDRINUSE' ? 'ADDRESS_IN_USE' : 'ADDRESS_UNAVAILABLE';
      const where = `${style} health ${joinHostPort(host, port)}`;
      reject(
        new TunnelError(code, `cannot listen on ${joinHostPort(host, port)}: ${cause.message}`, {
          where,
          cause,
        }),
      );
    });
    server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port));
  });
}

async function answer(request: IncomingMessage, options: HealthOptions): Promise<Answer> {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  switch (path) {
    case '/healthz':
      return { status: 200, body: 'ok' };
    case '/readyz':
    case '/ready':
      return readiness(options, new URLSearchParams(query).has('verbose'));
    case '/metrics':
      if (options.metrics === undefined) break;
      return { status: 200, body: await options.metrics.text(), type: options.metrics.contentType };
    default:
  }
  return { status: 404, body: '404 page not found\n' };
}

function readiness({ style, ready }: HealthOptions, verbose: boolean): Answer {
  const { ok, text, checks = [] } = ready();
  if (style === 'server') return ok ? { status: 200, body: 'ok' } : { status: 500, body: text };
  const lines = checks.map(({ name, failure }) =>
    failure === undefined ? `[+]${name} ok\n` : `[-]${name} failed: ${failure}\n`,
  );
  if (!ok) return { status: 503, body: lines.join('') };
  return { status: 200, body: verbose ? `${lines.join('')}check passed\n` : 'ok' };
}

function send(response: ServerResponse, { status, body, type = 'text/plain; charset=utf-8' }: Answer): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(body);
}
