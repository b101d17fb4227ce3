import { type ApiObject, at, entriesAt, listAt, numberAt, textAt } from '../resources/api-object.js';
import { draftOf, ensureChild, finished, isObject, type JsonObject, sameJson } from '../resources/json.js';
import { generateName, randomUid } from '../resources/random-names.js';
import { graceOfPod, podStrategy } from '../strategies/pods.js';
import {
  type Controller,
  type ControllerContext,
  isGoing,
  kindOf,
  save,
  startDeletion,
} from './controller.js';

/** Keeps as many pods of each replica set as it asks for. */
export const replicaSetController: Controller = {
  name: 'replicaset',
  reconcile: (context) => {
    for (const set of context.store.list(kindOf('apps', 'replicasets'))) {
      if (!isApiMade(set)) continue;
      const pods = podsOf(context, set);
      if (!isGoing(set)) adjust(context, set, pods);
      report(context, set, podsOf(context, set));
    }
  },
};

/** The lab's initial objects have their own pods; objects created through the API have a generation. */
export function isApiMade(object: ApiObject): boolean {
  return numberAt(object, 'metadata.generation') > 0;
}

function podsOf({ store }: ControllerContext, set: ApiObject): readonly ApiObject[] {
  return store
    .list(kindOf('', 'pods'), set.metadata.namespace)
    .filter((pod) => controllerUid(pod) === set.metadata.uid)
    .filter((pod) => !isGoing(pod) && !['Succeeded', 'Failed'].includes(textAt(pod, 'status.phase')));
}

export function controllerUid(object: ApiObject): string {
  const reference = listAt(object, 'metadata.ownerReferences').find(
    (each) => at(each, 'controller') === true,
  );
  return textAt(reference, 'uid');
}

export function ownedBy({ apiVersion, kind, metadata }: ApiObject): JsonObject {
  const { name, uid } = metadata;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

function adjust(context: ControllerContext, set: ApiObject, pods: readonly ApiObject[]): void {
  const wanted = numberAt(set, 'spec.replicas');
  for (let missing = wanted - pods.length; missing > 0; missing--) createPod(context, set);
  // Pods that are not ready are removed first.
  const dispensable = [...pods].sort((a, b) => Number(isReady(a)) - Number(isReady(b)));
  for (const pod of dispensable.slice(0, Math.max(0, pods.length - wanted)))
    startDeletion(context, pod, graceOfPod(draftOf(pod)));
}

function createPod(context: ControllerContext, set: ApiObject): void {
  const { random, timestamp, store } = context;
  const template = at(set, 'spec.template');
  const name = generateName(`${set.metadata.name}-`, random);
  const pod: JsonObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace,
      uid: randomUid(random),
      creationTimestamp: timestamp,
      labels: Object.fromEntries(entriesAt(template, 'metadata.labels')),
      ownerReferences: [ownedBy(set)],
    },
    spec: structuredClone(at(template, 'spec') ?? {}),
  };
  const annotations = at(template, 'metadata.annotations');
  if (isObject(annotations)) ensureChild(pod, 'metadata')['annotations'] = structuredClone(annotations);
  podStrategy.defaults?.(pod);
  podStrategy.prepareCreate?.(pod, { store, timestamp });
  store.put(finished(pod));
}

function isReady(pod: ApiObject): boolean {
  const ready = listAt(pod, 'status.conditions').find((condition) => textAt(condition, 'type') === 'Ready');
  return textAt(ready, 'status') === 'True';
}

function report(context: ControllerContext, set: ApiObject, pods: readonly ApiObject[]): void {
  const ready = pods.filter(isReady).length;
  const status = {
    replicas: pods.length,
    ...(pods.length === 0 ? {} : { fullyLabeledReplicas: pods.length }),
    ...(ready === 0 ? {} : { readyReplicas: ready, availableReplicas: ready }),
    observedGeneration: numberAt(set, 'metadata.generation'),
  };
  if (sameJson(status, at(set, 'status'))) return;
  const draft = draftOf(set);
  draft['status'] = status;
  save(context, draft);
}
