import { booleanParameter } from '../../kube/boolean-parameter.js';
import type { KubeletEndpoint } from '../kubelet/endpoint.js';
import {
  chooseContainer,
  encodeQuery,
  findPod,
  type KubeletDirectory,
  kubeletOfPod,
} from '../kubelet/target.js';
import { badRequest } from '../request/status.js';
import type { ApiObject } from '../resources/api-object.js';
import type { StreamingSubresource } from '../streaming/streaming-handler.js';

export interface ConnectTarget {
  readonly endpoint: KubeletEndpoint;
  /** Path and query of the kubelet request. */
  readonly path: string;
}

/** The API's name and the kubelet's name of each stream. */
const streamFlags = [
  ['stderr', 'error'],
  ['stdin', 'input'],
  ['stdout', 'output'],
  ['tty', 'tty'],
] as const;

/** Finds pod, container and kubelet. Throws 404 and 400 with kube-apiserver's texts. */
export function connectTarget(
  directory: KubeletDirectory,
  query: URLSearchParams,
  { kind, namespace, name }: { kind: StreamingSubresource; namespace: string; name: string },
): ConnectTarget {
  const pod = findPod(directory.store, namespace, name);
  const path = kubeletPath(kind, pod, query);
  const endpoint = kubeletOfPod(directory, pod);
  if (endpoint === undefined) throw badRequest(`pod ${name} does not have a host assigned`);
  return { endpoint, path };
}

function kubeletPath(kind: StreamingSubresource, pod: ApiObject, query: URLSearchParams): string {
  const { namespace = '', name } = pod.metadata;
  switch (kind) {
    case 'portforward':
      return withQuery(pathOf('portForward', namespace, name), portParameters(query));
    case 'exec':
    case 'attach': {
      const container = chooseContainer(pod, query.get('container') ?? '');
      const parameters = streamFlags
        .filter(([flag]) => booleanParameter(query, flag))
        .map(([, kubeletFlag]) => [kubeletFlag, '1'] as const);
      const command =
        kind === 'exec' ? query.getAll('command').map((word) => ['command', word] as const) : [];
      return withQuery(pathOf(kind, namespace, name, container), [...parameters, ...command]);
    }
  }
}

/** Old WebSocket clients send their ports in the query; all others with each stream. */
function portParameters(query: URLSearchParams): readonly (readonly [string, string])[] {
  const ports = query.getAll('ports').flatMap((list) => list.split(','));
  for (const port of ports) {
    if (!/^\d{1,9}$/.test(port))
      throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(port)}: invalid syntax`);
  }
  return ports.length === 0 ? [] : [['port', ports.join(',')]];
}

function pathOf(...parts: readonly string[]): string {
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

function withQuery(path: string, parameters: readonly (readonly [string, string])[]): string {
  const query = encodeQuery(parameters);
  return query === '' ? path : `${path}?${query}`;
}
