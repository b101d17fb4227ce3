import type { IncomingMessage } from 'node:http';
import type { Clock } from '../core/clock.js';
import { prometheusType } from './exposition.js';
import type { MetricsText } from './metric-kit.js';
import { notFound, type Page, type PageServer, startPageServer } from './page-server.js';

export interface HealthCheck {
  /** Its name, as in `[+]NAME ok`. */
  readonly name: string;
  /** Why it fails. Undefined when it does not. */
  readonly failure?: string | undefined;
}

export interface Readiness {
  readonly ok: boolean;
  /** The text of a server that is not ready: `no connection to any proxy agent`. */
  readonly text: string;
  readonly checks?: readonly HealthCheck[];
}

export interface HealthOptions {
  readonly host: string;
  /** The port. 0 means a free one. */
  readonly port: number;
  /** When not ready: `server` 500 with the text, `agent` 503 with its checks; with `?verbose` also when ready. */
  readonly style: 'server' | 'agent';
  readonly clock: Clock;
  readonly ready: () => Readiness;
  /** The text of `/metrics`. Default: that path is not found. */
  readonly metrics?: MetricsText;
}

/** `/healthz`, `/readyz`, `/ready`, `/metrics` as Konnectivity's. Rejects: ADDRESS_IN_USE or ADDRESS_UNAVAILABLE. */
export function startHealthServer(options: HealthOptions): Promise<PageServer> {
  const { host, port, style, clock } = options;
  return startPageServer({
    host,
    port,
    clock,
    what: `${style} health`,
    answer: (request) => answer(request, options),
  });
}

async function answer(request: IncomingMessage, options: HealthOptions): Promise<Page> {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  switch (path) {
    case '/healthz':
      return { status: 200, body: 'ok' };
    case '/readyz':
    case '/ready':
      return readiness(options, new URLSearchParams(query).has('verbose'));
    case '/metrics':
      if (options.metrics === undefined) break;
      return { status: 200, body: await options.metrics.text(), type: prometheusType };
    default:
  }
  return notFound;
}

function readiness({ style, ready }: HealthOptions, verbose: boolean): Page {
  const { ok, text, checks = [] } = ready();
  if (style === 'server') return ok ? { status: 200, body: 'ok' } : { status: 500, body: text };
  const lines = checks.map(({ name, failure }) =>
    failure === undefined ? `[+]${name} ok\n` : `[-]${name} failed: ${failure}\n`,
  );
  if (!ok) return { status: 503, body: lines.join('') };
  return { status: 200, body: verbose ? `${lines.join('')}check passed\n` : 'ok' };
}
