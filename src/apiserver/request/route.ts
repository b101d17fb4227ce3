import { findResource } from '../resources/catalogue.js';
import type { Resource, Subresource } from '../resources/resource.js';

export type Route =
  | { readonly kind: 'root' }
  | { readonly kind: 'health' }
  | { readonly kind: 'version' }
  | { readonly kind: 'metrics' }
  | { readonly kind: 'openapi'; readonly segments: readonly string[] }
  | { readonly kind: 'discovery-root'; readonly root: 'api' | 'apis' }
  | { readonly kind: 'group'; readonly group: string }
  | { readonly kind: 'custom-kinds' }
  | { readonly kind: 'group-version'; readonly group: string; readonly version: string }
  | ResourceRoute
  | { readonly kind: 'nowhere' };

/** A path of objects: all, those of a namespace, one, or a subresource of one. */
export interface ResourceRoute {
  readonly kind: 'resource';
  readonly resource: Resource;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: Subresource;
}

/** The path of one object, or of a subresource of it. */
export type NamedRoute = ResourceRoute & { readonly name: string };

const nowhere: Route = { kind: 'nowhere' };
/** kubectl looks here before it accepts that fields of a kind, such as those of reviews, are not validated. */
const customKinds = 'apiextensions.k8s.io/v1/customresourcedefinitions';
const healthPaths = new Set(['healthz', 'livez', 'readyz']);

/** Whether a route is open to clients that are not authenticated, as in a cluster with default roles. */
export function isPublic(route: Route): boolean {
  return route.kind === 'health' || route.kind === 'version';
}

/** Finds the route for the decoded segments of a path. */
export function findRoute(segments: readonly string[]): Route {
  const [first, ...rest] = segments;
  if (first === undefined) return { kind: 'root' };
  if (healthPaths.has(first)) return { kind: 'health' };
  if (first === 'version' && rest.length === 0) return { kind: 'version' };
  if (first === 'metrics' && rest.length === 0) return { kind: 'metrics' };
  if (first === 'openapi') return { kind: 'openapi', segments: rest };
  if (first === 'api') return apiRoute('', rest);
  if (first !== 'apis') return nowhere;
  const [group, ...below] = rest;
  if (rest.join('/') === customKinds) return { kind: 'custom-kinds' };
  if (group === undefined) return { kind: 'discovery-root', root: 'apis' };
  return below.length === 0 ? { kind: 'group', group } : apiRoute(group, below);
}

function apiRoute(group: string, rest: readonly string[]): Route {
  const [version, ...below] = rest;
  if (version === undefined) return { kind: 'discovery-root', root: 'api' };
  if (below.length === 0) return { kind: 'group-version', group, version };
  const [plural, namespace, ...deeper] = below;
  if (plural === 'namespaces' && namespace !== undefined && deeper.length > 0) {
    return (
      objectRoute({ group, version, namespace }, deeper) ?? objectRoute({ group, version }, below) ?? nowhere
    );
  }
  return objectRoute({ group, version }, below) ?? nowhere;
}

interface Scope {
  readonly group: string;
  readonly version: string;
  readonly namespace?: string;
}

function objectRoute({ group, version, namespace }: Scope, parts: readonly string[]): Route | undefined {
  const [plural = '', name, part, ...tooDeep] = parts;
  const resource = findResource(group, version, plural);
  // The path after `proxy` belongs to the backend.
  if (resource === undefined || (tooDeep.length > 0 && part !== 'proxy')) return undefined;
  // Objects can be listed across all namespaces, but a named object needs its namespace.
  if (resource.namespaced ? name !== undefined && namespace === undefined : namespace !== undefined)
    return undefined;
  const subresource = resource.subresources?.find((candidate) => candidate.name === part);
  if (part !== undefined && subresource === undefined) return undefined;
  return {
    kind: 'resource',
    resource,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}
