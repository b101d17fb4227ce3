import type { Upgrade } from '../../streams/types.js';
import { attributesOf } from '../auth/attributes.js';
import { admitConnect } from '../proxy/connect-admission.js';
import { proxyConnection } from '../proxy/handle-proxy.js';
import type { Exchange, RequestContext } from '../request/exchange.js';
import type { NamedRoute } from '../request/route.js';
import { badRequest, forbidden, methodNotAllowed, unknownPath } from '../request/status.js';
import type { Facade } from '../serving/facade.js';
import type { RequestEnd } from '../serving/request-report.js';
import { handleStreaming, type StreamingSubresource } from '../streaming/streaming-handler.js';
import { type ConnectTarget, connectTarget } from './connect-target.js';

/** Connects the streams until they end. Rejects with a StatusError before anything is written to the client. */
export async function connectStream(
  facade: Facade,
  context: RequestContext,
  { route, upgrade }: { readonly route: NamedRoute; readonly upgrade: Upgrade },
): Promise<RequestEnd> {
  if (route.subresource?.name === 'proxy') {
    await admitConnect(facade, context, route);
    return proxyConnection(facade, context, { route, upgrade });
  }
  const { kind, endpoint, path } = await streamTarget(facade, context, route);
  const { id: request, signal } = context;
  const patient = facade.faithful.has('handshake-unbounded');
  const done = facade.streams.open(kind);
  try {
    return await handleStreaming(kind, {
      upgrade,
      request,
      target: { path, ...endpoint },
      connect: (clientGone, { asHttpClient = false } = {}) =>
        facade.kubelets.connect(endpoint, { request, signal: clientGone, patient, asHttpClient }),
      clock: facade.clock,
      signal,
      serverSignal: facade.lifecycle.closed,
      faithful: facade.faithful,
    });
  } finally {
    done();
  }
}

/** A request for a stream that asks for no upgrade. All else that is wrong with it is told first. */
export async function refuseStream(facade: Facade, exchange: Exchange, route: NamedRoute): Promise<void> {
  if (exchange.method !== 'GET' && exchange.method !== 'POST') throw methodNotAllowed();
  await streamTarget(facade, exchange, route);
  throw badRequest('Upgrade request required');
}

/** Checks a request for a stream, in kube-apiserver's order. */
async function streamTarget(
  facade: Facade,
  context: RequestContext,
  route: NamedRoute,
): Promise<ConnectTarget & { readonly kind: StreamingSubresource }> {
  const { namespace, name, subresource } = route;
  const kind = subresource?.name;
  const isStream = kind === 'exec' || kind === 'attach' || kind === 'portforward';
  if (!isStream || namespace === undefined) throw unknownPath();
  await admitConnect(facade, context, route);
  requireCreate(facade, context, route);
  return { kind, ...connectTarget(facade, context.query, { kind, namespace, name }) };
}

/** From 1.35 on `get` is not enough: a WebSocket begins with GET, but does what SPDY does after a POST. */
function requireCreate({ authorize, version }: Facade, context: RequestContext, route: NamedRoute): void {
  if (Number(version.minor) < 35 || context.method === 'POST') return;
  const { allowed, reason } = authorize(attributesOf({ ...context, method: 'POST' }, route));
  if (!allowed) throw forbidden(route.resource, route.name, reason);
}
