import type { ServerResponse } from 'node:http';
import { type Answered, type Refusal, sendBody, sendText } from './http-reply.js';
import type { Route } from './http-router.js';

type Unrouted = Extract<
  Route,
  { readonly kind: 'disabled' | 'moved' | 'notFound' | 'unregistered' | 'malformed' | 'methodNotAllowed' }
>;

/** What Go's `http.Error` adds to a text. */
export const plainError = { 'X-Content-Type-Options': 'nosniff' } as const;

/** Answers paths that are not served, in the words of Go's mux or of go-restful. */
export function answerUnrouted(
  route: Unrouted,
  { search }: { readonly search: string },
  response: ServerResponse,
): Answered {
  switch (route.kind) {
    case 'moved':
      return redirect(response, `${route.location}${search}`);
    case 'unregistered':
      return sendText(response, notFound);
    case 'malformed':
      return sendText(response, { status: 400, text: '400 Bad Request', headers: { Connection: 'close' } });
    case 'notFound':
      return sendText(response, { status: 404, text: '404: Page Not Found' });
    case 'disabled':
      return sendText(response, { status: 405, text: `${route.text}\n`, headers: plainError });
    case 'methodNotAllowed': {
      const headers = { Allow: route.allow };
      return sendText(response, { status: 405, text: '405: Method Not Allowed', headers });
    }
  }
}

/** `http.NotFound` of Go. */
export const notFound: Refusal = { status: 404, text: '404 page not found\n', headers: plainError };

function redirect(response: ServerResponse, location: string): Answered {
  const escaped = location.replaceAll('&', '&amp;').replaceAll('"', '&#34;').replaceAll("'", '&#39;');
  const isRead = response.req.method === 'GET' || response.req.method === 'HEAD';
  const body = isRead ? `<a href="${escaped}">Moved Permanently</a>.\n\n` : '';
  const headers = { Location: location, ...(isRead ? { 'Content-Type': 'text/html; charset=utf-8' } : {}) };
  sendBody(response, 301, Buffer.from(body), headers);
  return { status: 301 };
}
