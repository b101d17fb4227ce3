import type { ApiObject } from '../resources/api-object.js';

/** Where an object lives. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** Keys are those of etcd, behind the kind, so that lists have its order: `default-2/a` comes before `default/a`. */
export function keyText({ namespace, name }: ObjectKey): string {
  return namespace ? `${namespace}/${name}` : name;
}

/** Which object it is, whatever its state. */
export interface ObjectIdentity {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectKey;
}

/** A change as it travels and as it is written down: enough to make it again elsewhere. */
export type Step =
  | { readonly revision: number; readonly put: ApiObject }
  | { readonly revision: number; readonly removed: ObjectIdentity };

/** All objects at one revision. */
export interface Snapshot {
  readonly revision: number;
  readonly objects: readonly ApiObject[];
}

export function identityOf({ apiVersion, kind, metadata }: ObjectIdentity): ObjectIdentity {
  const { name, namespace } = metadata;
  return { apiVersion, kind, metadata: namespace === undefined ? { name } : { name, namespace } };
}
