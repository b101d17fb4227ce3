import { readBody } from '../http/request-body.js';
import type { Exchange } from '../request/exchange.js';
import type { NamedRoute, ResourceRoute } from '../request/route.js';
import type { Facade } from '../serving/facade.js';
import { strategyOf } from '../strategies/table.js';
import { createObject } from '../write/create.js';
import { asKind, decodeBody } from '../write/decode.js';
import { updateObject } from '../write/update.js';
import { expectedKind, namedWriteOf, sendWritten, writeOf } from './write-answers.js';

export async function handleCreate(facade: Facade, exchange: Exchange, route: ResourceRoute): Promise<void> {
  const raw = await decodeBody(exchange.request, await readBody(exchange.request));
  const write = writeOf(facade, exchange, route, 'CreateOptions');
  const { warn, options } = write;
  const body = asKind(raw, expectedKind(route), { fieldValidation: options.fieldValidation, warn });
  await sendWritten(facade, exchange, route, await createObject(write, body));
}

/** PUT of an object or of its status. */
export async function handleUpdate(facade: Facade, exchange: Exchange, route: NamedRoute): Promise<void> {
  const raw = await decodeBody(exchange.request, await readBody(exchange.request));
  const write = namedWriteOf(facade, exchange, { route, name: route.name, kind: 'UpdateOptions' });
  const { warn, options } = write;
  const body = asKind(raw, expectedKind(route), { fieldValidation: options.fieldValidation, warn });
  const mayCreate = strategyOf(route.resource).createsOnUpdate === true && route.subresource === undefined;
  const written = await updateObject(write, {
    transform: () => structuredClone(body),
    ...(mayCreate ? { orCreate: () => body } : {}),
  });
  await sendWritten(facade, exchange, route, written);
}
