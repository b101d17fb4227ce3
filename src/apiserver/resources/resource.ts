import type { ApiObject } from './api-object.js';

/** One column of the tables that the server prints for kubectl. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer';
  readonly format?: 'name';
  readonly description: string;
  /** Shown only with `-o wide`. */
  readonly wide?: true;
  readonly cell: (object: ApiObject, nowMs: number) => string | number;
}

/** A path below a named object, such as `pods/NAME/log`. */
export interface Subresource {
  readonly name: string;
  readonly kind: string;
  /** Its kind before a certain minor release of Kubernetes 1. */
  readonly formerly?: { readonly kind: string; readonly before: number };
  /** The version of the kind, when it is not that of the resource. */
  readonly apiVersion?: string;
  readonly verbs: readonly string[];
}

/** Everything that the façade knows about one kind of object. A new kind needs one more record and no code. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources?: readonly Subresource[];
  /** Fields for selectors besides `metadata.name` and `metadata.namespace`, with their text when absent. */
  readonly selectableFields?: Readonly<Record<string, string>>;
  /** Absent: name and creation time. */
  readonly columns?: readonly Column[];
  /** Only answers POST with a computed reply; nothing is stored. */
  readonly virtual?: true;
}

/** `v1` or `apps/v1`. */
export function apiVersionOf(resource: { group: string; version: string }): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** Group and version of the kind of a subresource. */
export function kindGroup(
  { group, version }: Resource,
  { apiVersion }: Subresource,
): { group: string; version: string } {
  if (apiVersion === undefined) return { group, version };
  const [first = '', second] = apiVersion.split('/');
  return second === undefined ? { group: '', version: first } : { group: first, version: second };
}

/** The kind of a subresource in Kubernetes 1.`minor`. */
export function kindIn({ kind, formerly }: Subresource, minor: number): string {
  return formerly !== undefined && minor < formerly.before ? formerly.kind : kind;
}
