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
  | { readonly kind: 'checkpoint'; readonly ref: ContainerRef }
  | { readonly kind: 'metrics'; readonly of: 'kubelet' | 'cadvisor' | 'resource' | 'probes' | 'slis' }
  | { readonly kind: 'pods' | 'runningPods' | 'healthz' }
  | { readonly kind: 'configz' | 'summary' | 'nodeLogs' }
  /** Served by a real kubelet only when somebody has turned it on. */
  | { readonly kind: 'disabled'; readonly text: string }
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
    case 'checkpoint':
      return forContainer(containerOf(rest, false), (ref) => ({ kind: 'checkpoint', ref }));
    case 'healthz':
      return rest.length <= 1 && healthChecks.has(rest[0] ?? '') ? { kind: 'healthz' } : { kind: 'notFound' };
    default:
      return matchNodePath(first, rest);
  }
}

/** What is about the node, and not about a pod. */
function matchNodePath(first: string, rest: readonly string[]): Route {
  const path = rest.join('/').replace(/\/$/, '');
  switch (first) {
    case 'metrics': {
      const of = metricSets.get(path);
      return of === undefined ? { kind: 'notFound' } : { kind: 'metrics', of };
    }
    case 'stats':
      return path === 'summary' ? { kind: 'summary' } : { kind: 'notFound' };
    case 'configz':
      return path === '' ? { kind: 'configz' } : { kind: 'notFound' };
    case 'logs':
      return { kind: 'nodeLogs' };
    case 'debug':
      if (rest[0] === 'pprof') return { kind: 'disabled', text: 'profiling endpoint is disabled.' };
      if (path === 'flags/v') return { kind: 'disabled', text: 'flags endpoint is disabled.' };
      return { kind: 'notFound' };
    default:
      return { kind: 'notFound' };
  }
}

const metricSets: ReadonlyMap<string, Extract<Route, { kind: 'metrics' }>['of']> = new Map([
  ['', 'kubelet'],
  ['cadvisor', 'cadvisor'],
  ['resource', 'resource'],
  ['probes', 'probes'],
  ['slis', 'slis'],
]);

function methodsOf(route: Route): readonly string[] | undefined {
  switch (route.kind) {
    case 'exec':
    case 'attach':
    case 'portForward':
      return ['GET', 'POST'];
    case 'run':
    case 'checkpoint':
      return ['POST'];
    case 'containerLogs':
    case 'pods':
    case 'runningPods':
    case 'healthz':
    case 'metrics':
    case 'summary':
    case 'configz':
    case 'nodeLogs':
      return ['GET'];
    case 'disabled':
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
