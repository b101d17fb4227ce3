import type { Upgrade } from '../../streams/types.js';
import { admitConnect } from '../proxy/connect-admission.js';
import { proxyConnection } from '../proxy/handle-proxy.js';
import type { RequestContext } from '../request/exchange.js';
import type { NamedRoute } from '../request/route.js';
import { unknownPath } from '../request/status.js';
import type { Facade } from '../serving/facade.js';
import type { RequestEnd } from '../serving/request-report.js';
import { handleStreaming, type StreamingSubresource } from '../streaming/streaming-handler.js';
import { connectTarget } from './connect-target.js';

/** Connects the streams until they end. Rejects with a StatusError before anything is written to the client. */
export async function connectStream(
  facade: Facade,
  context: RequestContext,
  { route, upgrade }: { readonly route: NamedRoute; readonly upgrade: Upgrade },
): Promise<RequestEnd> {
  await admitConnect(facade, context, route);
  if (route.subresource?.name === 'proxy') return proxyConnection(facade, context, { route, upgrade });
  const subject = connectSubject(route);
  const { endpoint, path } = connectTarget(facade, context.query, subject);
  const { id: request, signal } = context;
  const done = facade.streams.open(subject.kind);
  try {
    return await handleStreaming(subject.kind, {
      upgrade,
      request,
      target: { path, ...endpoint },
      connect: (clientGone) => facade.kubelets.connect(endpoint, { request, signal: clientGone }),
      clock: facade.clock,
      signal,
      serverSignal: facade.lifecycle.closed,
      faithfulCutIsSuccess: facade.faithful.has('exec-cut-is-success'),
    });
  } finally {
    done();
  }
}

function connectSubject({ namespace, name, subresource }: NamedRoute): {
  kind: StreamingSubresource;
  namespace: string;
  name: string;
} {
  const kind = subresource?.name;
  const isStream = kind === 'exec' || kind === 'attach' || kind === 'portforward';
  if (!isStream || namespace === undefined) throw unknownPath();
  return { kind, namespace, name };
}
