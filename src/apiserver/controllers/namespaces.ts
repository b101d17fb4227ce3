import type { ApiObject } from '../resources/api-object.js';
import { catalogue } from '../resources/catalogue.js';
import { draftOf } from '../resources/json.js';
import { randomUid } from '../resources/random-names.js';
import { graceOfPod } from '../strategies/pods.js';
import { type Controller, type ControllerContext, isGoing, kindOf, startDeletion } from './controller.js';

/** Gives every namespace its service account, and removes a deleted namespace when it is empty. */
export const namespaceController: Controller = {
  name: 'namespace',
  reconcile: (context) => {
    for (const namespace of context.store.list(kindOf('', 'namespaces')))
      if (isGoing(namespace)) emptyOut(context, namespace);
      else giveAccount(context, namespace.metadata.name);
  },
};

function giveAccount(context: ControllerContext, namespace: string): void {
  const { store, random, timestamp } = context;
  if (store.get(kindOf('', 'serviceaccounts'), { namespace, name: 'default' }) !== undefined) return;
  const metadata = { name: 'default', namespace, uid: randomUid(random), creationTimestamp: timestamp };
  store.put({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
}

function emptyOut(context: ControllerContext, namespace: ApiObject): void {
  const { store } = context;
  const contents = catalogue
    .filter(({ namespaced, virtual }) => namespaced && virtual !== true)
    .flatMap((resource) => store.list(resource, namespace.metadata.name));
  for (const object of contents)
    startDeletion(context, object, object.kind === 'Pod' ? graceOfPod(draftOf(object)) : 0);
  const isEmpty = contents.every((object) => isRemoved(context, object));
  const held = (namespace.metadata as { finalizers?: readonly string[] }).finalizers ?? [];
  if (isEmpty && held.length === 0) store.remove('v1', 'Namespace', namespace.metadata);
}

function isRemoved({ store }: ControllerContext, object: ApiObject): boolean {
  const resource = catalogue.find(({ kind, virtual }) => kind === object.kind && virtual !== true);
  return resource === undefined || store.get(resource, object.metadata) === undefined;
}
