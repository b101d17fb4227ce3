import { sendJson } from '../http/respond.js';
import type { Exchange } from '../request/exchange.js';
import type { NamedRoute, ResourceRoute } from '../request/route.js';
import { notFound } from '../request/status.js';
import type { Facade } from '../serving/facade.js';
import { listPage } from './list-page.js';
import { createPresenter } from './presenter.js';

export function handleGet(facade: Facade, exchange: Exchange, route: NamedRoute): void {
  const presenter = createPresenter(route.resource, exchange, facade.now);
  const object = facade.store.get(route.resource, route);
  if (object === undefined) throw notFound(route.resource, route.name);
  sendJson(exchange.response, presenter.one(object));
}

/** GET of many objects: all of them, or with `limit` a page. */
export function handleList(facade: Facade, exchange: Exchange, route: ResourceRoute): void {
  const presenter = createPresenter(route.resource, exchange, facade.now);
  const { objects, meta } = listPage(facade.store, route, exchange.query);
  sendJson(exchange.response, presenter.list(objects, meta));
}
