import { aggregatedContentType, aggregatedDiscovery } from '../discovery/aggregated.js';
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from '../discovery/legacy.js';
import type { Facade } from '../facade.js';
import { chooseDiscovery } from '../http/accept.js';
import type { Exchange } from '../http/exchange.js';
import { sendJson, sendText } from '../http/respond.js';
import { badRequest, methodNotAllowed, unknownPath } from '../http/status.js';
import { groupVersions } from '../resources/catalogue.js';
import { apiVersionOf } from '../resources/resource.js';
import { handleLogs } from './logs.js';
import { handleGet, handleList } from './read.js';
import { handleSelfSubjectReview } from './review.js';
import type { ResourceRoute, Route } from './route.js';
import { wantsWatch } from './selection.js';
import { handleWatch } from './watch.js';

/** Answers a plain request. Rejects with a StatusError (or anything else) when there is no good answer. */
export async function dispatch(facade: Facade, exchange: Exchange, route: Route): Promise<void> {
  if (route.kind === 'resource') return dispatchResource(facade, exchange, route);
  if (exchange.method !== 'GET') throw route.kind === 'nowhere' ? unknownPath() : methodNotAllowed();
  const { response } = exchange;
  switch (route.kind) {
    case 'root':
      return sendJson(response, rootPaths());
    case 'health':
      return sendText(response, 'ok');
    case 'version':
      return sendJson(response, facade.version);
    case 'discovery-root':
      return discoveryRoot(exchange, route.root);
    case 'group':
      return sendJson(response, found(apiGroup(route.group)));
    case 'group-version':
      return sendJson(response, found(apiResourceList(route.group, route.version)));
    case 'nowhere':
      throw unknownPath();
  }
}

async function dispatchResource(facade: Facade, exchange: Exchange, route: ResourceRoute): Promise<void> {
  if (route.subresource !== undefined) return dispatchSubresource(facade, exchange, route);
  if (route.resource.virtual === true) {
    if (exchange.method !== 'POST' || route.name !== undefined) throw methodNotAllowed();
    return handleSelfSubjectReview(exchange);
  }
  if (exchange.method !== 'GET') throw methodNotAllowed();
  const { name } = route;
  if (name !== undefined) return handleGet(facade, exchange, { ...route, name });
  if (wantsWatch(exchange.query)) return handleWatch(facade, exchange, route);
  return handleList(facade, exchange, route);
}

/** The stream subresources come here only when the request is no upgrade. */
async function dispatchSubresource(facade: Facade, exchange: Exchange, route: ResourceRoute): Promise<void> {
  const { namespace, name, subresource } = route;
  if (namespace === undefined || name === undefined || subresource === undefined) throw unknownPath();
  const isLog = subresource.name === 'log';
  const allowed = isLog ? ['GET'] : ['GET', 'POST'];
  if (!allowed.includes(exchange.method)) throw methodNotAllowed();
  if (!isLog) throw badRequest('Upgrade request required');
  return handleLogs(facade, exchange, { namespace, name });
}

function discoveryRoot(exchange: Exchange, root: 'api' | 'apis'): void {
  const { request, response } = exchange;
  const form = chooseDiscovery(request.headers.accept);
  if (form !== 'legacy')
    return sendJson(response, aggregatedDiscovery(root, form), 200, aggregatedContentType(form));
  sendJson(response, root === 'apis' ? apiGroupList() : apiVersions(request.headers.host ?? ''));
}

function rootPaths(): object {
  const groups = groupVersions()
    .filter(({ group }) => group !== '')
    .flatMap((served) => [`/apis/${served.group}`, `/apis/${apiVersionOf(served)}`]);
  return { paths: ['/api', '/api/v1', '/apis', ...groups, '/healthz', '/livez', '/readyz', '/version'] };
}

function found(document: object | undefined): object {
  if (document === undefined) throw unknownPath();
  return document;
}
