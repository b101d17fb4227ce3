import { request as httpRequest, type IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Upgrade } from '../../streams/types.js';
import { unavailable } from '../egress/service-endpoints.js';
import { goErrorText } from '../kubelet/go-errors.js';
import type { Exchange, RequestContext } from '../request/exchange.js';
import type { NamedRoute } from '../request/route.js';
import { StatusError } from '../request/status.js';
import type { Facade } from '../serving/facade.js';
import type { RequestEnd } from '../serving/request-report.js';
import { proxyUpgrade } from '../streaming/upgrade-proxy.js';
import { admitConnect } from './connect-admission.js';
import { requestHeaders, responseHeaders } from './proxy-headers.js';
import { type ProxyTarget, pathBehindProxy, proxyTarget } from './proxy-target.js';

/** Sends a request below `proxy` on, and the answer back. Rejects with 503 `error trying to reach service: …`. */
export async function handleProxy(facade: Facade, exchange: Exchange, route: NamedRoute): Promise<void> {
  await admitConnect(facade, exchange, route);
  const target = proxyTarget(facade, route);
  const { prefix, rest } = pathBehindProxy(exchange);
  const { request, response, method } = exchange;
  const search = queryOf(request);
  if (rest === '' && (method === 'GET' || method === 'HEAD')) {
    response.writeHead(301, { location: `${exchange.path}/${search}` });
    response.end();
    return;
  }
  const answer = await ask(exchange, target, `${rest === '' ? '/' : rest}${search}`).catch(
    (caught: unknown) => {
      throw unavailable(`error trying to reach service: ${goErrorText(caught, target.host)}`, caught);
    },
  );
  response.writeHead(answer.statusCode ?? 502, responseHeaders(answer, { target, prefix }));
  try {
    await pipeline(answer, response, { signal: exchange.signal });
  } catch (caught) {
    // A client that has left is not a failure.
    if (!exchange.signal.aborted) throw cut(caught);
  }
}

async function ask(exchange: Exchange, target: ProxyTarget, path: string): Promise<IncomingMessage> {
  const { request, method, id, signal } = exchange;
  const socket = await target.connect({ request: id, signal });
  signal.addEventListener('abort', () => socket.destroy(), { once: true });
  if (signal.aborted) socket.destroy();
  return new Promise((resolve, reject) => {
    const headers = requestHeaders(request, exchange.path);
    const outgoing = httpRequest({ method, path, headers, createConnection: () => socket });
    outgoing.once('response', (answer) => {
      answer.on('error', () => undefined);
      // The connection is used for one request only.
      answer.once('close', () => socket.destroy());
      resolve(answer);
    });
    outgoing.on('error', (error) => {
      socket.destroy();
      reject(error);
    });
    // A backend may answer before it has read the whole request.
    request.pipe(outgoing);
  });
}

function queryOf({ url = '' }: IncomingMessage): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start);
}

function cut(caught: unknown): StatusError {
  return new StatusError(502, `the answer was cut: ${goErrorText(caught, '')}`);
}

/** An upgrade below `proxy`: its bytes are copied without looking at them. */
export async function proxyConnection(
  facade: Facade,
  context: RequestContext,
  { route, upgrade }: { readonly route: NamedRoute; readonly upgrade: Upgrade },
): Promise<RequestEnd> {
  const target = proxyTarget(facade, route);
  const { rest } = pathBehindProxy(context);
  const { id: request, signal } = context;
  const done = facade.streams.open('proxy');
  try {
    return await proxyUpgrade({
      upgrade,
      request,
      target: {
        path: `${rest === '' ? '/' : rest}${queryOf(context.request)}`,
        host: target.host,
        port: target.port,
      },
      connect: (clientGone) => target.connect({ request, signal: clientGone }),
      clock: facade.clock,
      signal,
    });
  } finally {
    done();
  }
}
