import type { Upgrade } from '../../streams/types.js';
import { admitConnect } from '../proxy/connect-admission.js';
import { proxyConnection } from '../proxy/handle-proxy.js';
import type { RequestContext } from '../request/exchange.js';
import type { Route } from '../request/route.js';
import { badRequest, unknownPath } from '../request/status.js';
import type { Facade } from '../serving/facade.js';
import type { RequestEnd } from '../serving/request-report.js';
import { handleStreaming, type StreamingSubresource } from '../streaming/streaming-handler.js';
import { connectTarget } from './connect-target.js';

/** Connects the streams until they end. Rejects with a StatusError before anything is written to the client. */
export async function connectStream(
  facade: Facade,
  context: RequestContext,
  route: Route,
  upgrade: Upgrade,
): Promise<RequestEnd> {
  if (route.kind === 'resource') await admitConnect(facade, context, route);
  if (route.kind === 'resource' && route.subresource?.name === 'proxy' && route.name !== undefined)
    return proxyConnection(facade, context, { route: { ...route, name: route.name }, upgrade });
  const subject = connectSubject(route);
  const { endpoint, path } = connectTarget(facade, context.query, subject);
  const { id: request, signal } = context;
  const patient = facade.faithful.has('handshake-unbounded');
  const done = facade.streams.open(subject.kind);
  try {
    return await handleStreaming(subject.kind, {
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

function connectSubject(route: Route): { kind: StreamingSubresource; namespace: string; name: string } {
  if (route.kind !== 'resource') throw unknownPath();
  const { namespace, name, subresource } = route;
  const kind = subresource?.name;
  const isStream = kind === 'exec' || kind === 'attach' || kind === 'portforward';
  if (!isStream || namespace === undefined || name === undefined)
    throw badRequest('this resource cannot be upgraded to a stream');
  return { kind, namespace, name };
}
