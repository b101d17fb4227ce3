import { posix } from 'node:path';
import type { ContainerRef } from '../containers/runtime.js';
import type { KubeletSettings } from './config.js';

export type RouterSettings = Pick<KubeletSettings, 'enableDebuggingHandlers' | 'enableSystemLogHandler'>;

export type Route =
  | { readonly kind: 'exec' | 'attach'; readonly ref: ContainerRef }
  | { readonly kind: 'run'; readonly ref: ContainerRef }
  | { readonly kind: 'containerLogs'; readonly ref: ContainerRef }
  | { readonly kind: 'portForward'; readonly namespace: string; readonly pod: string; readonly uid?: string }
  | { readonly kind: 'checkpoint'; readonly ref: ContainerRef }
  | { readonly kind: 'metrics'; readonly of: 'kubelet' | 'cadvisor' | 'resource' | 'probes' | 'slis' }
  /** `check` is one of the checks; absent means all of them. */
  | { readonly kind: 'healthz'; readonly check?: string }
  | { readonly kind: 'pods' | 'runningPods' }
  | { readonly kind: 'configz' | 'summary' }
  /** `path` below the log folder, decoded, otherwise as requested. */
  | { readonly kind: 'nodeLogs'; readonly path: string }
  /** Turned off by the configuration; `text` says so. */
  | { readonly kind: 'disabled'; readonly text: string }
  /** The same path is served under another spelling. */
  | { readonly kind: 'moved'; readonly location: string }
  /** Below a known path, but nothing is served there. */
  | { readonly kind: 'notFound' }
  /** Paths without a handler; they are answered before authentication. */
  | { readonly kind: 'unregistered' | 'malformed' }
  | { readonly kind: 'methodNotAllowed'; readonly allow: string };

/** In the order of a verbose health check. */
export const healthChecks: readonly string[] = ['ping', 'log', 'syncloop'];

function decoded(pathname: string): string | undefined {
  try {
    return decodeURIComponent(pathname);
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
    case 'logs':
      return { kind: 'nodeLogs', path: rest.join('/') };
    case 'stats':
      return rest.join('/').replace(/\/$/, '') === 'summary' ? { kind: 'summary' } : { kind: 'notFound' };
    default:
      return exactPaths.get([first, ...rest].join('/')) ?? matchDebug(first, rest);
  }
}

function matchDebug(first: string, [second]: readonly string[]): Route {
  if (first !== 'debug' || second !== 'pprof') return { kind: 'unregistered' };
  return { kind: 'disabled', text: 'profiling endpoint is disabled.' };
}

/** Paths that Go's mux matches exactly, not as a prefix. */
const exactPaths: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['healthz', { kind: 'healthz' }],
  ...healthChecks.map((check) => [`healthz/${check}`, { kind: 'healthz', check }] as const),
  ['metrics', { kind: 'metrics', of: 'kubelet' }],
  ['metrics/cadvisor', { kind: 'metrics', of: 'cadvisor' }],
  ['metrics/resource', { kind: 'metrics', of: 'resource' }],
  ['metrics/probes', { kind: 'metrics', of: 'probes' }],
  ['metrics/slis', { kind: 'metrics', of: 'slis' }],
  ['configz', { kind: 'configz' }],
  ['debug/flags/v', { kind: 'disabled', text: 'flags endpoint is disabled.' }],
]);

/** Folders: without the final slash they are redirected. */
const folders = new Set(['/logs', '/runningpods', '/stats', '/checkpoint', '/debug/pprof']);

/** The methods that a path accepts; undefined when its handler accepts all. */
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
    case 'summary':
    case 'nodeLogs':
      return ['GET'];
    default:
      return undefined;
  }
}

/** Cleans a path as Go's mux does: removes `.`, `..` and empty parts, and keeps the final slash. */
function cleaned(path: string): string {
  const clean = posix.normalize(`/${path}`);
  return clean.startsWith('//') ? clean.slice(1) : clean;
}

const debugFolders = new Set([
  ...['run', 'exec', 'attach', 'portForward', 'containerLogs', 'runningpods', 'logs'],
]);

/** The route for a path that the configuration has turned off. */
function turnedOff(settings: RouterSettings, [first = '', ...rest]: readonly string[]): Route | undefined {
  if (settings.enableDebuggingHandlers) {
    if (first !== 'logs' || settings.enableSystemLogHandler) return undefined;
    return { kind: 'disabled', text: 'logs endpoint is disabled.' };
  }
  if (debugFolders.has(first) || (first === 'debug' && rest[0] === 'pprof'))
    return { kind: 'disabled', text: 'Debug endpoints are disabled.' };
  return ['configz', 'checkpoint', 'debug'].includes(first) ? { kind: 'unregistered' } : undefined;
}

/** Finds the route of `method` and `pathname`, in the order of Go's mux and go-restful's router. */
export function matchRoute(method: string, pathname: string, settings: RouterSettings): Route {
  const path = decoded(pathname);
  if (path === undefined) return { kind: 'malformed' };
  const clean = cleaned(path);
  if (folders.has(clean)) return { kind: 'moved', location: encodePath(`${clean}/`) };
  if (clean !== path) return { kind: 'moved', location: encodePath(clean) };
  const [first = '', ...rest] = path.split('/').slice(1);
  const route = turnedOff(settings, [first, ...rest]) ?? matchPath(first, rest);
  const allowed = methodsOf(route);
  if (allowed === undefined || allowed.includes(method)) return route;
  return { kind: 'methodNotAllowed', allow: allowed.join(', ') };
}

/** A path as Go writes it into a URL. */
export function encodePath(path: string): string {
  return encodeURIComponent(path)
    .replace(/%(2F|24|26|2B|2C|3A|3B|3D|40)/g, (escape) => decodeURIComponent(escape))
    .replace(/[!'()*]/g, (text) => `%${text.charCodeAt(0).toString(16).toUpperCase()}`);
}
