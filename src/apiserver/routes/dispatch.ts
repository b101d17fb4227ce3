import { prometheusType } from '../../observe/exposition.js';
import { aggregatedContentType, aggregatedDiscovery } from '../discovery/aggregated.js';
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from '../discovery/legacy.js';
import { chooseDiscovery } from '../http/accept.js';
import { sendBytes, sendJson } from '../http/respond.js';
import { bodySink, type StreamSink } from '../http/stream-sink.js';
import { handleProxy } from '../proxy/handle-proxy.js';
import type { Exchange } from '../request/exchange.js';
import type { NamedRoute, ResourceRoute, Route } from '../request/route.js';
import { wantsWatch } from '../request/selection.js';
import { methodNotAllowed, unknownPath } from '../request/status.js';
import { groupVersions } from '../resources/catalogue.js';
import { apiVersionOf, kindIn } from '../resources/resource.js';
import type { Facade } from '../serving/facade.js';
import { refuseStream } from './connect.js';
import { handleCreate, handleUpdate } from './create.js';
import { handleDelete, handleDeleteCollection } from './delete.js';
import { handleFormerEphemeral } from './former-ephemeral.js';
import { sendHealth } from './health.js';
import { handleLogs } from './logs.js';
import { handleObjectPart } from './object-part.js';
import { handleOpenApi } from './openapi.js';
import { handlePatch } from './patch.js';
import { handleBinding, handleEviction } from './pod-commands.js';
import { handleGet, handleList } from './read.js';
import { handleReview } from './review.js';
import { handleScale } from './scale.js';
import { handleTokenRequest } from './token.js';
import { handleWatch } from './watch.js';

/** Answers a plain request. Rejects with a StatusError (or anything else) when it fails. */
export async function dispatch(facade: Facade, exchange: Exchange, route: Route): Promise<void> {
  if (route.kind === 'resource') return dispatchResource(facade, exchange, route);
  if (exchange.method !== 'GET') throw route.kind === 'nowhere' ? unknownPath() : methodNotAllowed();
  const { response } = exchange;
  switch (route.kind) {
    case 'root':
      return sendJson(response, rootPaths());
    case 'health':
      return sendHealth(facade, exchange);
    case 'version':
      return sendJson(response, facade.version);
    case 'metrics':
      return sendBytes(response, Buffer.from(await facade.metrics.text()), 200, prometheusType);
    case 'openapi':
      return handleOpenApi(facade, exchange, route.segments);
    case 'discovery-root':
      return discoveryRoot(exchange, route.root);
    case 'group':
      return sendJson(response, found(apiGroup(route.group)));
    case 'custom-kinds':
      return sendJson(response, noCustomKinds(facade));
    case 'group-version':
      return sendJson(
        response,
        found(apiResourceList(route.group, route.version, Number(facade.version.minor))),
      );
    case 'nowhere':
      throw unknownPath();
  }
}

async function dispatchResource(facade: Facade, exchange: Exchange, route: ResourceRoute): Promise<void> {
  if (route.subresource !== undefined) return dispatchSubresource(facade, exchange, route);
  if (route.resource.virtual === true) {
    if (exchange.method !== 'POST' || route.name !== undefined) throw methodNotAllowed();
    return handleReview(facade, exchange, route);
  }
  const { name } = route;
  return name === undefined
    ? dispatchCollection(facade, exchange, route)
    : dispatchObject(facade, exchange, { ...route, name });
}

async function dispatchCollection(facade: Facade, exchange: Exchange, route: ResourceRoute): Promise<void> {
  switch (exchange.method) {
    case 'GET':
      if (wantsWatch(exchange.query)) return handleWatch(facade, exchange, { route, sink: sinkOf(exchange) });
      return handleList(facade, exchange, route);
    case 'POST':
      // A namespaced object can only be created in one namespace.
      if (route.resource.namespaced && route.namespace === undefined) throw methodNotAllowed();
      return handleCreate(facade, exchange, route);
    case 'DELETE':
      return handleDeleteCollection(facade, exchange, route);
    default:
      throw methodNotAllowed();
  }
}

async function dispatchObject(facade: Facade, exchange: Exchange, route: NamedRoute): Promise<void> {
  switch (exchange.method) {
    case 'GET':
      return handleGet(facade, exchange, route);
    case 'PUT':
      return handleUpdate(facade, exchange, route);
    case 'PATCH':
      return handlePatch(facade, exchange, route);
    case 'DELETE':
      return handleDelete(facade, exchange, route);
    default:
      throw methodNotAllowed();
  }
}

type PartHandler = (facade: Facade, exchange: Exchange, route: NamedRoute) => Promise<void>;

const partHandlers: Readonly<Record<string, PartHandler>> = {
  attach: refuseStream,
  binding: onlyPost(handleBinding),
  ephemeralcontainers: handleEphemeral,
  eviction: onlyPost(handleEviction),
  exec: refuseStream,
  finalize: handleObjectPart,
  log: readLog,
  portforward: refuseStream,
  proxy: handleProxy,
  scale: handleScale,
  status: handleObjectPart,
  token: onlyPost(handleTokenRequest),
};

async function dispatchSubresource(facade: Facade, exchange: Exchange, route: ResourceRoute): Promise<void> {
  const { name, subresource } = route;
  const handle = partHandlers[subresource?.name ?? ''];
  if (name === undefined || handle === undefined) throw unknownPath();
  return handle(facade, exchange, { ...route, name });
}

async function handleEphemeral(facade: Facade, exchange: Exchange, route: NamedRoute): Promise<void> {
  const { subresource } = route;
  const isFormer =
    subresource !== undefined && kindIn(subresource, Number(facade.version.minor)) !== subresource.kind;
  return (isFormer ? handleFormerEphemeral : handleObjectPart)(facade, exchange, route);
}

function onlyPost(handle: PartHandler): PartHandler {
  return async (facade, exchange, route) => {
    if (exchange.method !== 'POST') throw methodNotAllowed();
    return handle(facade, exchange, route);
  };
}

async function readLog(facade: Facade, exchange: Exchange, { namespace, name }: NamedRoute): Promise<void> {
  if (exchange.method !== 'GET') throw methodNotAllowed();
  if (namespace === undefined) throw unknownPath();
  return handleLogs(facade, exchange, { namespace, name, sink: sinkOf(exchange) });
}

function sinkOf({ response, signal }: Exchange): StreamSink {
  return bodySink(response, signal);
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
  return {
    paths: [
      '/api',
      '/api/v1',
      '/apis',
      ...groups,
      '/healthz',
      '/livez',
      '/metrics',
      '/openapi/v2',
      '/openapi/v3',
      '/readyz',
      '/version',
    ],
  };
}

/** Always empty. Discovery does not list these kinds, so none can be made. */
function noCustomKinds({ store }: Facade): object {
  return {
    kind: 'CustomResourceDefinitionList',
    apiVersion: 'apiextensions.k8s.io/v1',
    metadata: { resourceVersion: String(store.revision) },
    items: [],
  };
}

function found(document: object | undefined): object {
  if (document === undefined) throw unknownPath();
  return document;
}
