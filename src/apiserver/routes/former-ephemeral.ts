import { mediaTypeOf, readBody } from '../http/request-body.js';
import { sendJson } from '../http/respond.js';
import type { Exchange } from '../request/exchange.js';
import type { NamedRoute } from '../request/route.js';
import { methodNotAllowed, notFound } from '../request/status.js';
import { draftOf, ensureChild, type JsonObject } from '../resources/json.js';
import type { Facade } from '../serving/facade.js';
import { asKind, decodeBody } from '../write/decode.js';
import { type Transform, updateObject } from '../write/update.js';
import { patcher } from './patch.js';
import { namedWriteOf } from './write-answers.js';

const kind = 'EphemeralContainers';

/** Before 1.22 another kind: the pod's metadata and its ephemeral containers. kubectl 1.20 and 1.21 debug with it. */
export async function handleFormerEphemeral(
  facade: Facade,
  exchange: Exchange,
  route: NamedRoute,
): Promise<void> {
  switch (exchange.method) {
    case 'GET': {
      const pod = facade.store.get(route.resource, route);
      if (pod === undefined) throw notFound(route.resource, route.name);
      return sendJson(exchange.response, partOf(draftOf(pod)));
    }
    case 'PUT':
    case 'PATCH':
      return change(facade, exchange, route);
    default:
      throw methodNotAllowed();
  }
}

async function change(facade: Facade, exchange: Exchange, route: NamedRoute): Promise<void> {
  const { request, response, method } = exchange;
  const body = await readBody(request);
  const isPatch = method === 'PATCH';
  const write = namedWriteOf(facade, exchange, {
    route,
    name: route.name,
    kind: isPatch ? 'PatchOptions' : 'UpdateOptions',
  });
  const { options, warn } = write;
  const read = (raw: JsonObject): JsonObject =>
    asKind(raw, { apiVersion: 'v1', kind }, { fieldValidation: options.fieldValidation, warn });
  const next = isPatch
    ? patcher(mediaTypeOf(request), body, kind)
    : bodyReader(await decodeBody(request, body));
  const transform: Transform = (pod) => intoPod(pod, read(next(partOf(pod))));
  const { object } = await updateObject(write, { transform });
  sendJson(response, partOf(draftOf(object)));
}

function bodyReader(body: JsonObject): () => JsonObject {
  return () => structuredClone(body);
}

function partOf({ metadata, spec }: JsonObject): JsonObject {
  const ephemeralContainers = (spec as JsonObject | undefined)?.['ephemeralContainers'] ?? [];
  return structuredClone({ kind, apiVersion: 'v1', metadata, ephemeralContainers });
}

function intoPod(pod: JsonObject, { metadata, ephemeralContainers }: JsonObject): JsonObject {
  ensureChild(pod, 'spec')['ephemeralContainers'] = ephemeralContainers ?? [];
  return { ...pod, metadata: metadata ?? pod['metadata'] };
}
