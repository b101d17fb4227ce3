import type { ObjectMeta } from './pod-objects.js';

/** What every object of a Kubernetes API has. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Pick<ObjectMeta, 'name'> & Partial<ObjectMeta>;
}

export interface KubeList<T> {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items: readonly T[];
}

export interface ResourceKind {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
}

export interface ResourceTarget {
  readonly resource: ResourceKind;
  /** Absent for all namespaces, and for kinds without namespaces. */
  readonly namespace?: string;
}

export interface ObjectTarget extends ResourceTarget {
  readonly name: string;
  /** `status`, `scale` … */
  readonly subresource?: string;
}

export function pathOf(target: ResourceTarget | ObjectTarget): string {
  const { group, version, plural } = target.resource;
  const parts = group === '' ? ['api', version] : ['apis', group, version];
  if (target.namespace !== undefined) parts.push('namespaces', target.namespace);
  parts.push(plural);
  if ('name' in target) {
    parts.push(target.name);
    if (target.subresource !== undefined) parts.push(target.subresource);
  }
  return `/${parts.map(encodeURIComponent).join('/')}`;
}
