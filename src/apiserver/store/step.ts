import type { ApiObject } from '../resources/api-object.js';

export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** etcd's keys, after the kind, so that lists have its order: `default-2/a` comes before `default/a`. */
export function keyText({ namespace, name }: ObjectKey): string {
  return namespace ? `${namespace}/${name}` : name;
}

export interface ObjectIdentity {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectKey;
}

/** A change as it is sent and written down: enough to repeat it elsewhere. */
export type Step =
  | { readonly revision: number; readonly put: ApiObject }
  | { readonly revision: number; readonly removed: ObjectIdentity };

export interface Snapshot {
  readonly revision: number;
  readonly objects: readonly ApiObject[];
}

export function identityOf({ apiVersion, kind, metadata }: ObjectIdentity): ObjectIdentity {
  const { name, namespace } = metadata;
  return { apiVersion, kind, metadata: namespace === undefined ? { name } : { name, namespace } };
}
