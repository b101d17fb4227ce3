import { type ApiObject, listAt, textAt } from '../resources/api-object.js';
import { catalogue } from '../resources/catalogue.js';
import { draftOf, isObject, type JsonObject, metadataOf } from '../resources/json.js';
import { graceOfPod } from '../strategies/pods.js';
import { type Controller, type ControllerContext, isGoing, save, startDeletion } from './controller.js';

/** Deletes objects whose owner was deleted, and finishes deletions that wait for dependents or orphan them. */
export const garbageCollector: Controller = {
  name: 'garbage-collector',
  reconcile: (context) => {
    const all = catalogue
      .filter(({ virtual }) => virtual !== true)
      .flatMap((resource) => context.store.list(resource));
    const byUid = new Map(all.map((object) => [object.metadata.uid, object]));
    const dependents = dependentsOf(all);
    for (const object of all) {
      collectOrphan(context, object, byUid);
      if (isGoing(object)) finish(context, object, dependents.get(object.metadata.uid) ?? []);
    }
  },
};

/** Read without a copy: every round looks at every object. */
const finalizersIn = (object: ApiObject): readonly unknown[] => listAt(object, 'metadata.finalizers');

function ownersOf(object: ApiObject): readonly string[] {
  return listAt(object, 'metadata.ownerReferences').map((reference) => textAt(reference, 'uid'));
}

function dependentsOf(all: readonly ApiObject[]): ReadonlyMap<string, readonly ApiObject[]> {
  const dependents = new Map<string, ApiObject[]>();
  for (const object of all)
    for (const uid of ownersOf(object)) dependents.set(uid, [...(dependents.get(uid) ?? []), object]);
  return dependents;
}

/** All owners were deleted, or wait in the foreground for this object. */
function collectOrphan(
  context: ControllerContext,
  object: ApiObject,
  byUid: ReadonlyMap<string, ApiObject>,
): void {
  const owners = ownersOf(object);
  const isOrphan = owners.every((uid) => {
    const owner = byUid.get(uid);
    return owner === undefined || finalizersIn(owner).includes('foregroundDeletion');
  });
  if (owners.length === 0 || !isOrphan || isGoing(object)) return;
  startDeletion(context, object, object.kind === 'Pod' ? graceOfPod(draftOf(object)) : 0);
}

function finish(context: ControllerContext, object: ApiObject, dependents: readonly ApiObject[]): void {
  const finalizers = finalizersIn(object);
  if (finalizers.includes('orphan')) {
    for (const dependent of dependents) release(context, dependent, object.metadata.uid);
    dropFinalizer(context, object, 'orphan');
  } else if (finalizers.includes('foregroundDeletion') && dependents.length === 0) {
    dropFinalizer(context, object, 'foregroundDeletion');
  }
}

function release(context: ControllerContext, dependent: ApiObject, owner: string): void {
  const draft = draftOf(dependent);
  const references = metadataOf(draft)['ownerReferences'];
  const kept = Array.isArray(references)
    ? references.filter((each: unknown) => isObject(each) && each['uid'] !== owner)
    : [];
  setOrDelete(metadataOf(draft), 'ownerReferences', kept);
  save(context, draft);
}

function dropFinalizer(context: ControllerContext, object: ApiObject, finalizer: string): void {
  const draft = draftOf(object);
  const rest = finalizersIn(object).filter((each) => each !== finalizer);
  setOrDelete(metadataOf(draft), 'finalizers', rest);
  const stored = save(context, draft);
  const grace = Number(metadataOf(draft)['deletionGracePeriodSeconds'] ?? 0);
  if (rest.length === 0 && grace === 0 && object.kind !== 'Namespace')
    context.store.remove(stored.apiVersion, stored.kind, stored.metadata);
}

function setOrDelete(target: JsonObject, key: string, list: readonly unknown[]): void {
  if (list.length === 0) delete target[key];
  else target[key] = list;
}
