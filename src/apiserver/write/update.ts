import { recordManager } from '../ownership/record-manager.js';
import { invalidObject, invalidValue } from '../request/invalid.js';
import { badRequest, conflict, notFound } from '../request/status.js';
import { yieldToOthers } from '../request/yield-to-others.js';
import type { ApiObject } from '../resources/api-object.js';
import { draftOf, finished, type JsonObject, metadataOf, sameJson, textOf } from '../resources/json.js';
import { apiVersionOf, type Resource } from '../resources/resource.js';
import type { Strategy } from '../strategies/strategy.js';
import { strategyOf } from '../strategies/table.js';
import { createObject, managerOf } from './create.js';
import { refuseEscalation } from './escalation.js';
import { finalizerErrors, finalizersOf, keepIdentity, metadataErrors, specDiffers } from './object-meta.js';
import { admitted, maxTries, type NamedWrite, strategyContextOf, type Written } from './write.js';

/** Makes the next state of an object from the present one, which may be changed in place. */
export type Transform = (current: JsonObject) => JsonObject | Promise<JsonObject>;

export interface UpdateWish {
  readonly transform: Transform;
  /** What to create when the object does not exist. Absent: 404. */
  readonly orCreate?: () => JsonObject | Promise<JsonObject>;
}

/** Replaces an object. Rejects with 400, 403, 404, 409 and 422. */
export async function updateObject(write: NamedWrite, wish: UpdateWish): Promise<Written> {
  const { context, resource, name } = write;
  for (let tries = 1; ; tries++) {
    const current = context.store.get(resource, write);
    if (current === undefined) {
      if (wish.orCreate === undefined) throw notFound(resource, name);
      return createObject(write, await wish.orCreate(), name);
    }
    const written = await tryUpdate(write, wish.transform, current);
    if (written !== 'raced') return written;
    if (tries === maxTries) throw conflict(resource, name);
  }
}

async function tryUpdate(
  write: NamedWrite,
  transform: Transform,
  current: ApiObject,
): Promise<Written | 'raced'> {
  const { context, resource, name } = write;
  await yieldToOthers();
  const old = draftOf(current);
  // A default that was added later must not look like a change.
  strategyOf(resource).defaults?.(old);
  await yieldToOthers();
  const next = await transform(draftOf(current));
  await yieldToOthers();
  refuseStale(write, next, old);
  shape(write, next, old);
  await yieldToOthers();
  const { object, review } = await admitted(write, 'UPDATE', { name, object: next, oldObject: old });
  shape(write, object, old);
  refuseEscalation(write, { object, old, requestName: name });
  refuseInvalid(write, object, old);
  await review(object);
  if (context.store.get(resource, write) !== current) return 'raced';
  const { countsGenerations } = strategyOf(resource);
  if (countsGenerations === true && specDiffers(object, old))
    metadataOf(object)['generation'] = Number(metadataOf(old)['generation'] ?? 0) + 1;
  await recordManager(object, old, managerOf(write));
  await yieldToOthers();
  const stored = await settle(write, object, current);
  return stored === undefined ? 'raced' : { object: stored, created: false };
}

/** Stores what differs. A deleted object without finalizers is removed. Undefined: another write came first. */
async function settle(
  { context, options, resource }: NamedWrite,
  object: JsonObject,
  current: ApiObject,
): Promise<ApiObject | undefined> {
  if (sameButTimes(object, current as unknown as JsonObject)) return current;
  if (options.dryRun) return finished(object);
  const thenRemove = isGone(resource, object);
  return context.store.commit({ kind: 'put', object: finished(object), over: current, thenRemove });
}

function isGone(resource: Resource, object: JsonObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadataOf(object);
  if (deletionTimestamp === undefined || finalizersOf(object).length > 0) return false;
  const isHeld = strategyOf(resource).isHeld?.(object) ?? false;
  return !isHeld && Number(deletionGracePeriodSeconds ?? 0) === 0;
}

/** A write that changes only its manager entry is ignored. */
function sameButTimes(next: JsonObject, old: JsonObject): boolean {
  const bare = (object: JsonObject): JsonObject => {
    const { managedFields, resourceVersion: _revision, ...metadata } = metadataOf(object);
    const managers = Array.isArray(managedFields)
      ? managedFields.map(({ time: _time, ...rest }: JsonObject) => rest)
      : [];
    return { ...object, metadata: { ...metadata, managers } };
  };
  return sameJson(bare(next), bare(old));
}

function refuseStale({ resource, name }: NamedWrite, next: JsonObject, old: JsonObject): void {
  const { resourceVersion, uid } = metadataOf(next);
  const before = metadataOf(old);
  if (uid && uid !== before['uid']) {
    const cause = `Precondition failed: UID in precondition: ${textOf(uid)}, UID in object meta: ${textOf(before['uid'])}`;
    throw conflict(resource, name, cause);
  }
  if (!resourceVersion && strategyOf(resource).needsRevision === true)
    throw invalidObject(resource, name, [
      invalidValue('metadata.resourceVersion', 0, 'must be specified for an update'),
    ]);
  if (resourceVersion && resourceVersion !== before['resourceVersion']) throw conflict(resource, name);
}

/** Restores what this write may not change. */
function shape(write: NamedWrite, next: JsonObject, old: JsonObject): void {
  const { resource, subresource, name } = write;
  const strategy = strategyOf(resource);
  refuseOtherIdentity(write, next);
  Object.assign(next, { apiVersion: apiVersionOf(resource), kind: resource.kind });
  Object.assign(metadataOf(next), { name, resourceVersion: metadataOf(old)['resourceVersion'] });
  if (write.namespace !== undefined && resource.namespaced) metadataOf(next)['namespace'] = write.namespace;
  keepIdentity(next, old);
  if (subresource === 'status') keepAllBut(['metadata', 'status'], next, old);
  else if (subresource !== undefined) strategy.parts?.[subresource]?.(next, old);
  else keepForeign(strategy, next, old);
  strategy.defaults?.(next);
  strategy.prepareUpdate?.(next, old);
}

/** Restores the fields of subresources. */
function keepForeign(strategy: Strategy, next: JsonObject, old: JsonObject): void {
  if (strategy.hasStatus === true) keep('status', next, old);
  if (next['kind'] === 'Namespace') keep('spec', next, old);
}

function keepAllBut(changing: readonly string[], next: JsonObject, old: JsonObject): void {
  for (const key of new Set([...Object.keys(next), ...Object.keys(old)]))
    if (!changing.includes(key)) keep(key, next, old);
}

function keep(key: string, next: JsonObject, old: JsonObject): void {
  if (old[key] === undefined) delete next[key];
  else next[key] = structuredClone(old[key]);
}

function refuseOtherIdentity({ name, namespace }: NamedWrite, next: JsonObject): void {
  const given = metadataOf(next);
  if (given['name'] && given['name'] !== name)
    throw badRequest(
      `the name of the object (${textOf(given['name'])}) does not match the name on the URL (${name})`,
    );
  if (given['namespace'] && given['namespace'] !== (namespace ?? ''))
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

function refuseInvalid(write: NamedWrite, next: JsonObject, old: JsonObject): void {
  const { resource, name } = write;
  const strategy = strategyOf(resource);
  // An older version may have accepted the rest, which does not change here.
  const ofRest = write.subresource === 'status' ? [] : strategy.validate?.(next, strategyContextOf(write));
  const errors = [
    ...metadataErrors(next, { namespaced: resource.namespaced, nameForm: strategy.nameForm }),
    ...finalizerErrors(next, old),
    ...(ofRest ?? []),
    ...(strategy.validateUpdate?.(next, old, write.subresource ?? '') ?? []),
  ];
  if (errors.length > 0) throw invalidObject(resource, name, errors);
}
