import type { IncomingMessage } from 'node:http';
import { asksForUpgrade, isWebSocketRequest } from '../../streams/protocol-names.js';
import type { RequestContext } from './exchange.js';
import type { Route } from './route.js';
import { wantsWatch } from './selection.js';

/** `stream`: the connection is joined to a kubelet's or a pod's. `watch`, `log`: the answer comes over a WebSocket. */
export type UpgradeUse = 'stream' | 'watch' | 'log';

/** What the Upgrade header of a request means; undefined: nothing, so the request is answered as one without it. */
export function upgradeUse(
  { request, method, query }: Pick<RequestContext, 'request' | 'method' | 'query'>,
  route: Route,
): UpgradeUse | undefined {
  if (route.kind !== 'resource' || !asksForUpgrade(request)) return undefined;
  const { name, subresource, resource } = route;
  switch (subresource?.name) {
    case 'attach':
    case 'exec':
    case 'portforward':
      return method === 'GET' || method === 'POST' ? 'stream' : undefined;
    case 'proxy':
      // A body is worth more than an upgrade: no backend needs both.
      return hasBody(request) ? undefined : 'stream';
    case 'log':
      return method === 'GET' && isWebSocketRequest(request) ? 'log' : undefined;
    case undefined: {
      const isWatch =
        name === undefined && resource.virtual !== true && method === 'GET' && wantsWatch(query);
      return isWatch && isWebSocketRequest(request) ? 'watch' : undefined;
    }
    default:
      return undefined;
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
