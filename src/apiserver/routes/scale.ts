import { mediaTypeOf, readBody } from '../http/request-body.js';
import { sendJson } from '../http/respond.js';
import type { Exchange } from '../request/exchange.js';
import { invalidObject, invalidValue } from '../request/invalid.js';
import type { NamedRoute } from '../request/route.js';
import { methodNotAllowed, notFound } from '../request/status.js';
import { entriesAt, numberAt } from '../resources/api-object.js';
import { childOf, draftOf, ensureChild, type JsonObject, metadataOf, textOf } from '../resources/json.js';
import type { Facade } from '../serving/facade.js';
import { asKind, decodeBody } from '../write/decode.js';
import { updateObject } from '../write/update.js';
import { patcher } from './patch.js';
import { expectedKind, namedWriteOf } from './write-answers.js';

/** `scale` of a workload: its number of replicas as a separate object. */
export async function handleScale(facade: Facade, exchange: Exchange, route: NamedRoute): Promise<void> {
  const { request, method, response } = exchange;
  if (method === 'GET') {
    const found = facade.store.get(route.resource, route);
    if (found === undefined) throw notFound(route.resource, route.name);
    return sendJson(response, scaleOf(draftOf(found)));
  }
  if (method !== 'PUT' && method !== 'PATCH') throw methodNotAllowed();
  const body = await readBody(request);
  const write = namedWriteOf(facade, exchange, { route, name: route.name, kind: 'UpdateOptions' });
  const change =
    method === 'PUT'
      ? replacement(await decodeBody(request, body))
      : patcher(mediaTypeOf(request), body, 'Scale');
  const { fieldValidation } = write.options;
  const { subresource: _scale, ...whole } = write;
  const written = await updateObject(whole, {
    transform: (workload) => {
      const scale = asKind(change(scaleOf(workload)), expectedKind(route), {
        fieldValidation,
        warn: write.warn,
      });
      return scaled(workload, scale);
    },
  });
  sendJson(response, scaleOf(draftOf(written.object)));
}

function scaleOf(workload: JsonObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadataOf(workload);
  const labels = entriesAt(workload, 'spec.selector.matchLabels');
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: numberAt(workload, 'spec.replicas') },
    status: {
      replicas: numberAt(workload, 'status.replicas'),
      selector: labels.map(([key, value]) => `${key}=${value}`).join(','),
    },
  };
}

function scaled(workload: JsonObject, scale: JsonObject): JsonObject {
  const replicas = Number(childOf(scale, 'spec')?.['replicas'] ?? 0);
  const { name, resourceVersion, uid } = metadataOf(scale);
  if (replicas < 0)
    throw invalidObject({ kind: 'Scale', group: 'autoscaling' }, textOf(name), [
      invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0'),
    ]);
  ensureChild(workload, 'spec')['replicas'] = replicas;
  if (resourceVersion !== undefined) metadataOf(workload)['resourceVersion'] = resourceVersion;
  if (uid !== undefined) metadataOf(workload)['uid'] = uid;
  return workload;
}

function replacement(body: JsonObject): () => JsonObject {
  return () => body;
}
