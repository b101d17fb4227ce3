import type { IncomingMessage } from 'node:http';
import type { RequestEvent } from '../../core/events.js';
import { offeredProtocol } from '../../streams/protocol-names.js';
import type { StreamProtocol } from '../../streams/types.js';
import type { RequestContext } from '../request/exchange.js';
import type { Route } from '../request/route.js';
import { wantsWatch } from '../request/selection.js';
import type { Facade } from './facade.js';
import { requestLabels } from './request-labels.js';

/** How a request ended. */
export interface RequestEnd {
  /** The HTTP status that the client got. */
  readonly status: number;
  readonly error?: string;
  /** The command's exit code, for exec and attach where it is known. */
  readonly exitCode?: number;
  /** The protocol, where it is known later than the request. */
  readonly protocol?: StreamProtocol;
}

/** Reports the end of a request, once. */
export type FinishReport = (end: RequestEnd) => void;

/**
 * Reports the start of a request and returns the function that reports its end. Requests of kubelets are not reported.
 */
export function reportRequest(facade: Facade, context: RequestContext, route: Route): FinishReport {
  // Kubelets send requests all the time, and report their own failures.
  if (context.user.groups.includes('system:nodes')) return () => undefined;
  const startedAt = facade.clock.now();
  const common = {
    node: facade.node,
    peer: `client/${context.user.name}`,
    request: context.id,
    verb: verbOf(context, route),
    path: context.path,
    protocol: protocolOf(context.request),
  } satisfies Partial<RequestEvent>;
  facade.emit({ ...common, kind: 'request.started' });
  const count = facade.metrics.requestStarted(requestLabels(context, route));
  return (end) => {
    count(end.status);
    facade.emit({
      ...common,
      ...end,
      kind: end.status >= 400 || end.error !== undefined ? 'request.failed' : 'request.finished',
      durationMs: facade.clock.now() - startedAt,
    });
  };
}

/** Kubernetes' verb, but for subresources their name: `exec` is clearer than `create`. */
function verbOf(context: RequestContext, route: Route): string {
  const method = context.method.toLowerCase();
  if (route.kind !== 'resource') return method;
  if (route.subresource !== undefined) return route.subresource.name;
  if (context.method === 'POST') return 'create';
  if (context.method !== 'GET') return method;
  if (route.name !== undefined) return 'get';
  return wantsWatch(context.query) ? 'watch' : 'list';
}

function protocolOf(request: IncomingMessage): 'http' | StreamProtocol {
  return request.headers.upgrade === undefined ? 'http' : offeredProtocol(request);
}
