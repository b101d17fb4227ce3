import { type ApiObject, listAt, textAt } from '../resources/api-object.js';
import { coreResource } from '../resources/catalogue.js';
import type { ObjectStore } from '../store/object-store.js';
import type { ResourceAttributes } from './attributes.js';

const namePrefix = 'system:node:';
const nodesGroup = 'system:nodes';

/** What a kubelet may do anywhere, `resource` or `resource/subresource` with its verbs. */
const anywhere: Readonly<Record<string, readonly string[]>> = {
  endpoints: ['get'],
  events: ['create', 'patch', 'update'],
  'localsubjectaccessreviews.authorization.k8s.io': ['create'],
  nodes: ['create', 'get', 'list', 'watch'],
  pods: ['create', 'delete', 'get', 'list', 'watch'],
  'pods/eviction': ['create'],
  'pods/status': ['patch', 'update'],
  services: ['get', 'list', 'watch'],
  'serviceaccounts/token': ['create'],
  'subjectaccessreviews.authorization.k8s.io': ['create'],
  'tokenreviews.authentication.k8s.io': ['create'],
};

const leaseVerbs = ['create', 'delete', 'get', 'patch', 'update'];

/** Allowed, or why not; undefined for users that are no nodes. */
export type NodeVerdict = { readonly allowed: true } | { readonly allowed: false; readonly reason: string };

/** The node that a user is, if it is one. */
export function nodeOfUser({ name, groups }: ResourceAttributes['user']): string | undefined {
  return groups.includes(nodesGroup) && name.startsWith(namePrefix)
    ? name.slice(namePrefix.length)
    : undefined;
}

/** The node authorizer: a kubelet reaches its own node, lease and pods, and what these pods refer to. */
export function authorizeNode(store: ObjectStore, attributes: ResourceAttributes): NodeVerdict | undefined {
  const node = nodeOfUser(attributes.user);
  if (node === undefined) return undefined;
  const { group, resource, subresource, verb, name } = attributes;
  const key =
    (subresource === '' ? resource : `${resource}/${subresource}`) + (group === '' ? '' : `.${group}`);
  switch (key) {
    case 'configmaps':
    case 'secrets':
      return authorizeReference(store, attributes, node);
    case 'leases.coordination.k8s.io':
      return authorizeLease(attributes, node);
    case 'nodes':
    case 'nodes/status':
      if (verb === 'patch' || verb === 'update')
        return name === node ? { allowed: true } : denied(`node '${node}' cannot ${verb} another node`);
      break;
    default:
  }
  return anywhere[key]?.includes(verb) === true ? { allowed: true } : denied('');
}

function denied(reason: string): NodeVerdict {
  return { allowed: false, reason };
}

function authorizeLease({ verb, namespace, name }: ResourceAttributes, node: string): NodeVerdict {
  if (namespace !== 'kube-node-lease')
    return denied(`can only access leases in the "kube-node-lease" system namespace`);
  // The name of a lease that is being created stands in the body only.
  if (verb !== 'create' && name !== node)
    return denied(`can only access node lease with the same name as the requesting node`);
  return leaseVerbs.includes(verb)
    ? { allowed: true }
    : denied('can only get, create, update, patch, or delete a node lease');
}

function authorizeReference(store: ObjectStore, attributes: ResourceAttributes, node: string): NodeVerdict {
  const { verb, name, namespace, resource } = attributes;
  if (!['get', 'list', 'watch'].includes(verb)) return denied('can only read resources of this type');
  if (name === '') return denied('No Object name found');
  const pods = store
    .list(coreResource('pods'), namespace)
    .filter((pod) => textAt(pod, 'spec.nodeName') === node);
  const isRelated = pods.some((pod) =>
    namesIn(pod, resource === 'secrets' ? 'secret' : 'configMap').has(name),
  );
  return isRelated
    ? { allowed: true }
    : denied(`no relationship found between node '${node}' and this object`);
}

/** The secrets or config maps that a pod refers to. */
function namesIn(pod: ApiObject, kind: 'secret' | 'configMap'): ReadonlySet<string> {
  const nameKey = kind === 'secret' ? 'secretName' : 'name';
  const volumes = listAt(pod, 'spec.volumes');
  const containers = [...listAt(pod, 'spec.containers'), ...listAt(pod, 'spec.initContainers')];
  const names = [
    ...volumes.map((volume) => textAt(volume, `${kind}.${nameKey}`)),
    ...volumes
      .flatMap((volume) => listAt(volume, 'projected.sources'))
      .map((each) => textAt(each, `${kind}.name`)),
    ...containers.flatMap((each) => listAt(each, 'envFrom')).map((each) => textAt(each, `${kind}Ref.name`)),
    ...containers
      .flatMap((each) => listAt(each, 'env'))
      .map((each) => textAt(each, `valueFrom.${kind}KeyRef.name`)),
    ...(kind === 'secret' ? listAt(pod, 'spec.imagePullSecrets').map((each) => textAt(each, 'name')) : []),
  ];
  return new Set(names.filter((name) => name !== ''));
}
