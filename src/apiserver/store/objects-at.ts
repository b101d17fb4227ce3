import type { ApiObject } from '../resources/api-object.js';
import type { Resource } from '../resources/resource.js';
import type { ObjectStore } from './object-store.js';
import { keyText } from './step.js';

export interface Moment {
  readonly resource: Resource;
  /** Absent: objects of all namespaces. */
  readonly namespace?: string | undefined;
  readonly revision: number;
}

/** The present objects with later changes undone, one by one. `forgotten` when the history is too short. */
export function objectsAt(store: ObjectStore, moment: Moment): readonly ApiObject[] | 'forgotten' {
  const { resource, namespace } = moment;
  const before = new Map<string, ApiObject | undefined>();
  let { revision } = moment;
  for (;;) {
    const change = store.nextChange(resource, revision);
    if (change === 'forgotten') return change;
    if (change === undefined) break;
    const key = keyText(change.object.metadata);
    if (!before.has(key)) before.set(key, change.previous);
    ({ revision } = change);
  }
  const present = store.list(resource, namespace);
  if (before.size === 0) return present;
  const unchanged = present.filter(({ metadata }) => !before.has(keyText(metadata)));
  const undone = [...before.values()].filter((object) => object !== undefined);
  const wanted = undone.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
  return [...unchanged, ...wanted].sort(byKey);
}

function byKey(one: ApiObject, other: ApiObject): number {
  return keyText(one.metadata) < keyText(other.metadata) ? -1 : 1;
}
