import type { ErrorCode } from '../../core/errors.js';
import type { RequestEvent } from '../../core/events.js';
import { offeredProtocol } from '../../streams/protocol-names.js';
import type { StreamProtocol } from '../../streams/types.js';
import { verbOf } from '../auth/attributes.js';
import type { RequestContext } from '../request/exchange.js';
import type { Route } from '../request/route.js';
import { upgradeUse } from '../request/upgrade-use.js';
import type { Facade } from './facade.js';
import { requestLabels } from './request-labels.js';

export interface RequestEnd {
  readonly status: number;
  readonly error?: string;
  /** The failure of the tunnel or of TLS behind `error`. */
  readonly code?: ErrorCode;
  /** The command's exit code, for exec and attach where it is known. */
  readonly exitCode?: number;
  /** The protocol, where it is known later than the request. */
  readonly protocol?: StreamProtocol;
}

/** Reports the end of a request, once. */
export type FinishReport = (end: RequestEnd) => void;

/** Reports the start; the returned function reports the end. Requests of kubelets are not reported. */
export function reportRequest(facade: Facade, context: RequestContext, route: Route): FinishReport {
  // Kubelets send requests all the time, and report their own failures.
  if (context.user.groups.includes('system:nodes')) return () => undefined;
  const startedAt = facade.clock.now();
  const common = {
    node: facade.node,
    peer: `client/${context.user.name}`,
    request: context.id,
    verb: shownVerb(context, route),
    path: context.path,
    protocol: protocolOf(context, route),
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

function protocolOf(context: RequestContext, route: Route): string {
  const use = upgradeUse(context, route);
  if (use === 'stream') return offeredProtocol(context.request);
  return use === undefined ? 'http' : 'websocket';
}

/** Kubernetes' verb, but for subresources their name: `exec` says more than `create`. */
function shownVerb(context: RequestContext, route: Route): string {
  if (route.kind !== 'resource') return context.method.toLowerCase();
  if (route.subresource !== undefined) return route.subresource.name;
  return verbOf(context.method, route.name !== undefined, context.query);
}
