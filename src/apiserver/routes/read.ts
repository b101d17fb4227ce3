import type { Facade } from '../facade.js';
import type { Exchange } from '../http/exchange.js';
import { sendJson } from '../http/respond.js';
import { badRequest, expired, notFound } from '../http/status.js';
import { createPresenter } from './presenter.js';
import type { NamedRoute, ResourceRoute } from './route.js';
import { refuseFuture, revisionParameter, selectionOf } from './selection.js';

/** GET of one object. */
export function handleGet(facade: Facade, exchange: Exchange, route: NamedRoute): void {
  const presenter = createPresenter(route.resource, exchange, facade.now);
  const object = facade.store.get(route.resource, route);
  if (object === undefined) throw notFound(route.resource, route.name);
  sendJson(exchange.response, presenter.one(object));
}

/**
 * GET of many objects. `limit` is not applied: servers may answer with everything, and no answer of ours is continued.
 */
export function handleList(facade: Facade, exchange: Exchange, route: ResourceRoute): void {
  const presenter = createPresenter(route.resource, exchange, facade.now);
  const selected = selectionOf(route, exchange.query);
  const { revision } = facade.store;
  checkRevision(exchange.query, revision);
  const objects = facade.store.list(route.resource, route.namespace).filter(selected);
  sendJson(exchange.response, presenter.list(objects, revision));
}

function checkRevision(query: URLSearchParams, current: number): void {
  if ((query.get('continue') ?? '') !== '') throw badRequest('continue key is not valid');
  const asked = revisionParameter(query);
  if (asked === undefined) return;
  refuseFuture(asked, current);
  const exact = query.get('resourceVersionMatch') === 'Exact';
  // Only the present state is kept: there is no snapshot to list an older one from.
  if (exact && asked !== current) throw expired(`The provided resource version is not available: ${asked}`);
}
