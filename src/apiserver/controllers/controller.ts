import type { Random } from '../../core/random.js';
import { rfc3339 } from '../../kube/time.js';
import type { ApiObject } from '../resources/api-object.js';
import { findResource } from '../resources/catalogue.js';
import { finished, type JsonObject } from '../resources/json.js';
import type { Resource } from '../resources/resource.js';
import type { LocalStore } from '../store/object-store.js';

export interface ControllerContext {
  readonly store: LocalStore;
  readonly random: Random;
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** The clock's milliseconds; they do not jump when the wall time is set. */
  readonly steadyMs: number;
  /** The last seen lease of each node, and when it was seen, in `steadyMs`. */
  readonly heartbeats: Map<string, { readonly lease: ApiObject; readonly seenMs: number }>;
  /** RFC 3339. */
  readonly timestamp: string;
}

/** Changes the store towards what its objects ask for. It runs again after every change, so it must come to an end. */
export interface Controller {
  readonly name: string;
  /** Also runs when time has passed without a change. */
  readonly isTimed?: true;
  readonly reconcile: (context: ControllerContext) => void;
}

/** The record of a kind that is always in the catalogue. */
export function kindOf(
  group: '' | 'apps' | 'coordination.k8s.io' | 'discovery.k8s.io',
  plural: string,
): Resource {
  const found = findResource(group, 'v1', plural);
  if (found === undefined) throw new Error(`the catalogue lacks ${plural}`);
  return found;
}

export function save({ store }: ControllerContext, draft: JsonObject): ApiObject {
  return store.put(finished(draft));
}

export function isGoing({ metadata }: ApiObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** Marks an object as deleted after `graceSeconds`, or removes it at once if nothing holds it. */
export function startDeletion(context: ControllerContext, object: ApiObject, graceSeconds: number): void {
  if (isGoing(object)) return;
  const { finalizers } = object.metadata as { finalizers?: readonly string[] };
  if (graceSeconds === 0 && (finalizers ?? []).length === 0) {
    context.store.remove(object.apiVersion, object.kind, object.metadata);
    return;
  }
  const metadata = {
    ...object.metadata,
    deletionTimestamp: rfc3339(context.nowMs + graceSeconds * 1000),
    deletionGracePeriodSeconds: graceSeconds,
  };
  context.store.put({ ...object, metadata });
}
