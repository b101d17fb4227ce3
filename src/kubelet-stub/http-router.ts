import type { ContainerRef } from './runtime/runtime.js';

/** What a request to the kubelet's HTTPS API is about. */
export type Route =
  | { readonly kind: 'exec' | 'attach'; readonly ref: ContainerRef }
  | { readonly kind: 'run'; readonly ref: ContainerRef }
  | { readonly kind: 'containerLogs'; readonly ref: ContainerRef }
  | {
      readonly kind: 'portForward';
      readonly namespace: string;
      readonly pod: string;
      readonly uid?: string;
    }
  | { readonly kind: 'pods' | 'runningPods' | 'healthz' }
  | { readonly kind: 'notFound' }
  | { readonly kind: 'methodNotAllowed'; readonly allow: string };

const healthChecks = new Set(['', 'ping', 'log', 'syncloop']);

function segmentsOf(pathname: string): string[] | undefined {
  try {
    return pathname.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** `{ns}/{pod}/{container}`, or with the pod's uid before the container. */
function containerOf(rest: readonly string[], allowUid: boolean): ContainerRef | undefined {
  const [namespace, pod, third, fourth] = rest;
  if (!namespace || !pod || !third) return undefined;
  if (rest.length === 3) return { namespace, pod, container: third };
  if (rest.length === 4 && allowUid && fourth) return { namespace, pod, uid: third, container: fourth };
  return undefined;
}

function forContainer(ref: ContainerRef | undefined, found: (ref: ContainerRef) => Route): Route {
  return ref === undefined ? { kind: 'notFound' } : found(ref);
}

function podOf(rest: readonly string[]): Route {
  const [namespace, pod, uid] = rest;
  if (!namespace || !pod || rest.length > 3 || uid === '') return { kind: 'notFound' };
  return { kind: 'portForward', namespace, pod, ...(uid === undefined ? {} : { uid }) };
}

function matchPath(first: string, rest: readonly string[]): Route {
  switch (first) {
    case 'exec':
    case 'attach':
      return forContainer(containerOf(rest, true), (ref) => ({ kind: first, ref }));
    case 'run':
      return forContainer(containerOf(rest, true), (ref) => ({ kind: 'run', ref }));
    case 'containerLogs':
      return forContainer(containerOf(rest, false), (ref) => ({ kind: 'containerLogs', ref }));
    case 'portForward':
      return podOf(rest);
    case 'pods':
      return rest.join('') === '' ? { kind: 'pods' } : { kind: 'notFound' };
    case 'runningpods':
      return rest.join('') === '' ? { kind: 'runningPods' } : { kind: 'notFound' };
    case 'healthz':
      return rest.length <= 1 && healthChecks.has(rest[0] ?? '') ? { kind: 'healthz' } : { kind: 'notFound' };
    default:
      return { kind: 'notFound' };
  }
}

function methodsOf(route: Route): readonly string[] | undefined {
  switch (route.kind) {
    case 'exec':
    case 'attach':
    case 'portForward':
      return ['GET', 'POST'];
    case 'run':
      return ['POST'];
    case 'containerLogs':
    case 'pods':
    case 'runningPods':
    case 'healthz':
      return ['GET'];
    case 'notFound':
    case 'methodNotAllowed':
      return undefined;
  }
}

/** Finds what `method` and `pathname` ask for. */
export function matchRoute(method: string, pathname: string): Route {
  const [first, ...rest] = segmentsOf(pathname) ?? [];
  if (first === undefined) return { kind: 'notFound' };
  const route = matchPath(first, rest);
  const allowed = methodsOf(route);
  if (allowed === undefined || allowed.includes(method)) return route;
  return { kind: 'methodNotAllowed', allow: allowed.join(', ') };
}
