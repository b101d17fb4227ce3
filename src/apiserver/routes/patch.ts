import { mediaTypeOf, readBody, unsupportedMediaType } from '../http/request-body.js';
import { applyConfiguration } from '../ownership/apply.js';
import { applyJsonPatch } from '../patch/json-patch.js';
import { applyMergePatch } from '../patch/merge-patch.js';
import { applyStrategicMergePatch } from '../patch/strategic-merge.js';
import type { Exchange } from '../request/exchange.js';
import { invalidObject, required } from '../request/invalid.js';
import { parseBoundedJson } from '../request/parse.js';
import type { NamedRoute, ResourceRoute } from '../request/route.js';
import { badRequest } from '../request/status.js';
import { yieldToOthers } from '../request/yield-to-others.js';
import { isObject, type JsonObject, metadataOf } from '../resources/json.js';
import type { Facade } from '../serving/facade.js';
import { asKind, decodeYaml, unreadable } from '../write/decode.js';
import { type UpdateWish, updateObject } from '../write/update.js';
import type { NamedWrite } from '../write/write.js';
import { expectedKind, namedWriteOf, sendWritten } from './write-answers.js';

const applyType = 'application/apply-patch+yaml';
const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  applyType,
];

/** PATCH of an object or of its status, in any of the four forms. */
export async function handlePatch(facade: Facade, exchange: Exchange, route: NamedRoute): Promise<void> {
  const type = mediaTypeOf(exchange.request);
  if (!patchTypes.includes(type)) throw unsupportedMediaType(patchTypes);
  const body = await readBody(exchange.request);
  const write = namedWriteOf(facade, exchange, { route, name: route.name, kind: 'PatchOptions' });
  if (type === applyType) {
    if (exchange.query.get('fieldManager') === null) throw needsManager();
    const applying: NamedWrite = { ...write, operation: 'Apply' };
    await sendWritten(
      facade,
      exchange,
      route,
      await updateObject(applying, await applyWish(applying, route, body)),
    );
    return;
  }
  const patched = patcher(type, body, route.resource.kind);
  const transform = async (current: JsonObject): Promise<JsonObject> => {
    const next = patched(current);
    await yieldToOthers();
    return checked(write, route, next);
  };
  await sendWritten(facade, exchange, route, await updateObject(write, { transform }));
}

function needsManager(): Error {
  return invalidObject({ kind: 'PatchOptions', group: 'meta.k8s.io' }, '', [
    required('fieldManager', 'is required for apply patch'),
  ]);
}

/** An apply creates a missing object, but the status only of an existing one. */
async function applyWish(write: NamedWrite, route: ResourceRoute, body: Buffer): Promise<UpdateWish> {
  const raw = await decodeYaml(body);
  await yieldToOthers();
  const config = checked(write, route, raw);
  const metadata = metadataOf(config);
  if (metadata['managedFields'] !== undefined) throw badRequest('metadata.managedFields must be nil');
  if (!metadata['name']) metadata['name'] = write.name;
  const { fieldManager: manager, force } = write.options;
  const { subresource } = write;
  const writer = {
    manager,
    operation: 'Apply' as const,
    ...(subresource === undefined ? {} : { subresource }),
  };
  const transform = (current: JsonObject): Promise<JsonObject> =>
    applyConfiguration(current, config, { writer, force });
  if (route.subresource !== undefined) return { transform };
  const { apiVersion, kind } = config;
  return { transform, orCreate: () => transform({ apiVersion, kind, metadata: {} }) };
}

/** The result of a patch is checked like a body. */
function checked({ options, warn }: NamedWrite, route: ResourceRoute, object: JsonObject): JsonObject {
  return asKind(object, expectedKind(route), { fieldValidation: options.fieldValidation, warn });
}

/** How a patch changes an object. Throws 400 for an invalid patch. */
export function patcher(type: string, body: Buffer, kind: string): (current: JsonObject) => JsonObject {
  const patch = parsePatch(body);
  if (type === 'application/json-patch+json') return (current) => applyJsonPatch(current, patch);
  if (!isObject(patch)) throw badRequest('error decoding patch: a merge patch is an object');
  if (type === 'application/merge-patch+json') return (current) => applyMergePatch(current, patch);
  return (current) => applyStrategicMergePatch(kind, current, patch);
}

function parsePatch(body: Buffer): unknown {
  try {
    return parseBoundedJson(body.toString());
  } catch (caught) {
    throw unreadable(caught, 'error decoding patch: ');
  }
}
