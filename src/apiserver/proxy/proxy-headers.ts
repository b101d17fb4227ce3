import type { IncomingMessage } from 'node:http';
import { joinHostPort } from '../../core/address.js';
import { isImpersonationHeader } from '../auth/impersonate.js';
import type { ProxyTarget } from './proxy-target.js';

/** Headers of one connection, which must not be sent on. */
const hopHeaders = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Headers that only the API server uses. */
const ownHeaders = new Set(['authorization', 'audit-id', 'x-forwarded-for']);

/** The headers of the request to a backend, as alternating names and values. */
export function requestHeaders(request: IncomingMessage, uri: string): readonly string[] {
  const { headers, socket } = request;
  const lines: string[] = ['Host', headers.host ?? String(headers[':authority'] ?? '')];
  for (const [name, value] of pairsOf(request.rawHeaders)) {
    const key = name.toLowerCase();
    if (key === 'host' || key.startsWith(':') || hopHeaders.has(key)) continue;
    if (!ownHeaders.has(key) && !isImpersonationHeader(key)) lines.push(name, value);
  }
  const forwarded = [headers['x-forwarded-for'], socket.remoteAddress].filter((value) => value !== undefined);
  lines.push('X-Forwarded-For', forwarded.join(', '), 'X-Forwarded-Uri', uri);
  // A body of unknown length. For methods that seldom have a body, Node would not send it.
  if (headers['content-length'] === undefined && hasBody(request)) lines.push('Transfer-Encoding', 'chunked');
  return lines;
}

/** HTTP/2 shows with the headers whether a body follows, HTTP/1.1 by a header. */
function hasBody(request: IncomingMessage): boolean {
  if (request.headers['transfer-encoding'] !== undefined) return true;
  const { stream } = request as { stream?: { readonly endAfterHeaders?: boolean } };
  return stream !== undefined && stream.endAfterHeaders === false;
}

/** The headers of a backend's answer. A redirection to the backend is changed to go through the proxy. */
export function responseHeaders(
  answer: IncomingMessage,
  { target, prefix }: { readonly target: ProxyTarget; readonly prefix: string },
): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const [name, value] of pairsOf(answer.rawHeaders)) {
    const key = name.toLowerCase();
    if (hopHeaders.has(key)) continue;
    (headers[key] ??= []).push(key === 'location' ? ledBack(value, target, prefix) : value);
  }
  return headers;
}

function ledBack(location: string, { scheme, host, port }: ProxyTarget, prefix: string): string {
  const base = `${scheme}://${joinHostPort(host, port)}`;
  if (!URL.canParse(location, base)) return location;
  const url = new URL(location, base);
  if (url.origin !== new URL(base).origin || !/^(\/|https?:)/i.test(location)) return location;
  return `${prefix}${url.pathname}${url.search}${url.hash}`;
}

function pairsOf(rawHeaders: readonly string[]): readonly (readonly [string, string])[] {
  return Array.from({ length: rawHeaders.length >> 1 }, (_, index) => [
    rawHeaders[2 * index] ?? '',
    rawHeaders[2 * index + 1] ?? '',
  ]);
}
