import type { IncomingMessage } from 'node:http';
import { joinHostPort } from '../core/address.js';
import type { Clock } from '../core/clock.js';
import { prometheusType } from '../observe/exposition.js';
import type { MetricsText } from '../observe/metric-kit.js';
import { notFound, type Page, type PageServer, startPageServer } from '../observe/page-server.js';
import type { ListenOn } from './option-types.js';

/** The admin port of a proxy-server. It serves the metrics, as the health port does. */
export function startServerAdmin(
  on: ListenOn & { readonly clock: Clock },
  metrics: MetricsText,
): Promise<PageServer> {
  return startAdmin(on, 'server admin', async () => ({
    status: 200,
    body: await metrics.text(),
    type: prometheusType,
  }));
}

/** The admin port of an agent. It redirects requests for metrics to the health port. */
export function startAgentAdmin(
  on: ListenOn & { readonly clock: Clock },
  healthPort: number,
): Promise<PageServer> {
  return startAdmin(on, 'agent admin', async ({ headers, url = '' }) => {
    const host = hostOf(headers.host ?? '');
    const location = `//${joinHostPort(host, healthPort)}${url}`;
    const body = `<a href="${htmlText(location)}">Moved Permanently</a>.\n\n`;
    return { status: 301, body, type: 'text/html; charset=utf-8', location };
  });
}

function startAdmin(
  { host, port, clock }: ListenOn & { readonly clock: Clock },
  what: string,
  metrics: (request: IncomingMessage) => Promise<Page>,
): Promise<PageServer> {
  return startPageServer({
    host,
    port,
    clock,
    what,
    answer: async (request) => (request.url?.split('?')[0] === '/metrics' ? metrics(request) : notFound),
  });
}

const entities: Readonly<Record<string, string>> = { '"': '&#34;', '<': '&lt;', '>': '&gt;', '&': '&amp;' };

function htmlText(text: string): string {
  return text.replaceAll(/["<>&]/g, (sign) => entities[sign] ?? '');
}

/** The host of a Host header, whose port may be missing. */
function hostOf(header: string): string {
  return header.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
}
