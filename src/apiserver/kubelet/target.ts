import { badRequest, notFound } from '../request/status.js';
import { type ApiObject, listAt, textAt } from '../resources/api-object.js';
import { coreResource } from '../resources/catalogue.js';
import type { ObjectStore } from '../store/object-store.js';
import { type KubeletEndpoint, kubeletEndpoint, type NodeAddressType } from './endpoint.js';

export interface KubeletDirectory {
  readonly store: ObjectStore;
  /** The preferred type comes first. */
  readonly preferredAddressTypes: readonly NodeAddressType[];
}

/** The pod with that name. Throws 404. */
export function findPod(store: ObjectStore, namespace: string, name: string): ApiObject {
  const pods = coreResource('pods');
  const pod = store.get(pods, { namespace, name });
  if (pod === undefined) throw notFound(pods, name);
  return pod;
}

/** The requested container, or the only one. Throws 400 when the name is missing or wrong. */
export function chooseContainer(pod: ApiObject, requested: string): string {
  const containers = names(pod, 'spec.containers');
  const init = names(pod, 'spec.initContainers');
  const ephemeral = names(pod, 'spec.ephemeralContainers');
  const { name } = pod.metadata;
  if (requested !== '') {
    if ([...containers, ...init, ...ephemeral].includes(requested)) return requested;
    throw badRequest(`container ${requested} is not valid for pod ${name}`);
  }
  const [only, ...others] = containers;
  if (only !== undefined && others.length === 0) return only;
  if (only === undefined) throw badRequest(`a container name must be specified for pod ${name}`);
  const choices =
    `choose one of: [${containers.join(' ')}]` +
    (init.length === 0 ? '' : ` or one of the init containers: [${init.join(' ')}]`) +
    (ephemeral.length === 0 ? '' : ` or one of the ephemeral containers: [${ephemeral.join(' ')}]`);
  throw badRequest(`a container name must be specified for pod ${name}, ${choices}`);
}

/**
 * The kubelet of the pod's node; undefined while the pod has no node. Throws 404 for a node that does not exist, which
 * kube-apiserver calls a pod: it looks the node up in the context of the pod's request.
 */
export function kubeletOfPod(
  { store, preferredAddressTypes }: KubeletDirectory,
  pod: ApiObject,
): KubeletEndpoint | undefined {
  const nodeName = textAt(pod, 'spec.nodeName');
  if (nodeName === '') return undefined;
  const node = store.get(coreResource('nodes'), { name: nodeName });
  if (node === undefined) throw notFound(coreResource('pods'), nodeName);
  return kubeletEndpoint(node, preferredAddressTypes);
}

function names(pod: ApiObject, path: string): string[] {
  return listAt(pod, path).map((container) => textAt(container, 'name'));
}

/** Query parameters in Go's order: by name. */
export function encodeQuery(parameters: readonly (readonly [string, string])[]): string {
  const query = new URLSearchParams(parameters.map(([name, value]): [string, string] => [name, value]));
  query.sort();
  return query.toString();
}
