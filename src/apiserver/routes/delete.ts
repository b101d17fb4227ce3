import { sendJson } from '../http/respond.js';
import type { Exchange } from '../request/exchange.js';
import type { NamedRoute, ResourceRoute } from '../request/route.js';
import { StatusError } from '../request/status.js';
import type { ApiObject } from '../resources/api-object.js';
import type { Facade } from '../serving/facade.js';
import { strategyOf } from '../strategies/table.js';
import { readDeleteOptions } from '../write/delete-options.js';
import { deleteObject } from '../write/remove.js';
import type { NamedWrite } from '../write/write.js';
import { listPage } from './list-page.js';
import { createPresenter } from './presenter.js';
import { namedWriteOf } from './write-answers.js';

/** DELETE of one object. The answer is a Status when the object is gone, or the object when it stays for a while. */
export async function handleDelete(facade: Facade, exchange: Exchange, route: NamedRoute): Promise<void> {
  const options = await readDeleteOptions(exchange);
  const write = namedWriteOf(facade, exchange, { route, name: route.name, kind: 'DeleteOptions' });
  const { object, gone } = await deleteObject(write, options);
  const asObject = !gone || strategyOf(route.resource).returnsDeleted === true;
  const presenter = createPresenter(route.resource, exchange, facade.now);
  sendJson(exchange.response, asObject ? presenter.one(object) : success(route, object));
}

function success({ resource }: ResourceRoute, { metadata }: ApiObject): object {
  const { name, uid } = metadata;
  const group = resource.group === '' ? {} : { group: resource.group };
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, ...group, kind: resource.plural, uid },
  };
}

/** DELETE of all objects that a list with the same parameters returns, one after the other. */
export async function handleDeleteCollection(
  facade: Facade,
  exchange: Exchange,
  route: ResourceRoute,
): Promise<void> {
  const presenter = createPresenter(route.resource, exchange, facade.now);
  const options = await readDeleteOptions(exchange);
  const { objects, meta } = listPage(facade.store, route, exchange.query);
  let end: Pick<NamedWrite, 'deadlineMs'> | undefined;
  for (const { metadata } of objects) {
    const place = {
      ...route,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    };
    const write = namedWriteOf(facade, exchange, {
      route: place,
      name: metadata.name,
      kind: 'DeleteOptions',
    });
    // One time limit for all.
    end ??= { deadlineMs: write.deadlineMs };
    await deleteObject({ ...write, ...end }, options).catch(ignoreMissing);
  }
  sendJson(exchange.response, presenter.list(objects, meta));
}

/** Another client has already deleted it. */
function ignoreMissing(caught: unknown): void {
  if (!(caught instanceof StatusError) || caught.status.code !== 404) throw caught;
}
