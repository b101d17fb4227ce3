import type { Exchange } from '../request/exchange.js';
import type { NamedRoute } from '../request/route.js';
import { methodNotAllowed } from '../request/status.js';
import type { Facade } from '../serving/facade.js';
import { handleUpdate } from './create.js';
import { handlePatch } from './patch.js';
import { handleGet } from './read.js';

/** Subresources that are read and written like the object: `status`, `ephemeralcontainers`, `finalize`. */
export async function handleObjectPart(facade: Facade, exchange: Exchange, route: NamedRoute): Promise<void> {
  const verbs: readonly string[] = route.subresource?.verbs ?? [];
  switch (exchange.method) {
    case 'GET':
      if (verbs.includes('get')) return handleGet(facade, exchange, route);
      break;
    case 'PUT':
      if (verbs.includes('update')) return handleUpdate(facade, exchange, route);
      break;
    case 'PATCH':
      if (verbs.includes('patch')) return handlePatch(facade, exchange, route);
      break;
    default:
  }
  throw methodNotAllowed();
}
