import type { IncomingMessage } from 'node:http';
import type { Clock } from '../core/clock.js';
import { prometheusType } from './exposition.js';
import type { MetricsText } from './metric-kit.js';
import { notFound, type Page, type PageServer, startPageServer } from './page-server.js';

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
  readonly clock: Clock;
  readonly ready: () => Readiness;
  /** Served at `/metrics`; without it that path is not found. */
  readonly metrics?: MetricsText;
}

/**
 * Serves `/healthz`, `/readyz`, `/ready` and `/metrics` over plain HTTP, with Konnectivity's codes and texts. Rejects
 * with ADDRESS_IN_USE or ADDRESS_UNAVAILABLE.
 */
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
