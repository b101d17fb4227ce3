import { type ApiObject, textAt } from '../resources/api-object.js';
import { coreResource } from '../resources/catalogue.js';
import { requiredValue } from '../resources/field-selector.js';
import { accountOfPod, isMirrorPod, namesIn } from '../resources/pod-references.js';
import type { ObjectStore } from '../store/object-store.js';
import type { ResourceAttributes } from './attributes.js';

const namePrefix = 'system:node:';
const nodesGroup = 'system:nodes';

/** What a kubelet may do on all objects: `resource` or `resource/subresource`, with the verbs. */
const anywhere: Readonly<Record<string, readonly string[]>> = {
  endpoints: ['get'],
  events: ['create', 'patch', 'update'],
  'localsubjectaccessreviews.authorization.k8s.io': ['create'],
  nodes: ['create', 'get', 'list', 'patch', 'update', 'watch'],
  // Admission checks whether these nodes and pods are its own.
  'nodes/status': ['patch', 'update'],
  pods: ['create', 'delete', 'get', 'list', 'watch'],
  'pods/eviction': ['create'],
  'pods/status': ['patch', 'update'],
  services: ['get', 'list', 'watch'],
  'subjectaccessreviews.authorization.k8s.io': ['create'],
  'tokenreviews.authentication.k8s.io': ['create'],
};

const leaseVerbs = ['create', 'delete', 'get', 'patch', 'update'];

/** Allowed, or the reason why not; undefined for users that are not nodes. */
export type NodeVerdict = { readonly allowed: true } | { readonly allowed: false; readonly reason: string };

const allowed: NodeVerdict = { allowed: true };

/** The node of a node user; undefined for other users. */
export function nodeOfUser({ name, groups }: ResourceAttributes['user']): string | undefined {
  return groups.includes(nodesGroup) && name.startsWith(namePrefix)
    ? name.slice(namePrefix.length)
    : undefined;
}

/** The node authorizer: a kubelet may use its own node, lease and pods, and what these pods refer to. */
export function authorizeNode(store: ObjectStore, attributes: ResourceAttributes): NodeVerdict | undefined {
  const node = nodeOfUser(attributes.user);
  if (node === undefined) return undefined;
  const { group, resource, subresource, verb } = attributes;
  const key =
    (subresource === '' ? resource : `${resource}/${subresource}`) + (group === '' ? '' : `.${group}`);
  const context = { store, attributes, node };
  switch (group === '' ? resource : `${resource}.${group}`) {
    case 'configmaps':
    case 'secrets':
      return authorizeReference(context);
    case 'leases.coordination.k8s.io':
      return authorizeLease(attributes, node);
    case 'serviceaccounts':
      return authorizeToken(context);
    default:
  }
  if (anywhere[key]?.includes(verb) !== true) return denied('');
  if (key === 'nodes') return authorizeNodeRead(attributes, node);
  return key === 'pods' ? authorizePodRead(context) : allowed;
}

interface NodeRequest {
  readonly store: ObjectStore;
  readonly attributes: ResourceAttributes;
  readonly node: string;
}

const readVerbs = ['get', 'list', 'watch'];

function authorizeNodeRead({ verb, name }: ResourceAttributes, node: string): NodeVerdict {
  if (!readVerbs.includes(verb) || name === node) return allowed;
  return denied(
    name === ''
      ? `node '${node}' cannot read all nodes, only its own Node object`
      : `node '${node}' cannot read '${name}', only its own Node object`,
  );
}

function authorizePodRead({ store, attributes, node }: NodeRequest): NodeVerdict {
  const { verb, name, namespace, fieldSelector = '' } = attributes;
  if (!readVerbs.includes(verb)) return allowed;
  if (verb !== 'get' && requiredValue(fieldSelector, 'spec.nodeName') === node) return allowed;
  if (verb !== 'get' && name === '')
    return denied('can only list/watch pods with spec.nodeName field selector');
  const pod = store.get(coreResource('pods'), { namespace, name });
  return textAt(pod, 'spec.nodeName') === node ? allowed : unrelated(node);
}

function authorizeToken({ store, attributes, node }: NodeRequest): NodeVerdict {
  const { verb, subresource, namespace, name } = attributes;
  if (verb !== 'create' || name === '')
    return denied('can only create tokens for individual service accounts');
  if (subresource !== 'token') return denied('can only create token subresource of serviceaccount');
  const uses = podsThatRefer(store, namespace, node).some((pod) => accountOfPod(pod) === name);
  return uses ? allowed : unrelated(node);
}

/** The pods of a node that give it access. Mirror pods do not, because a kubelet creates them itself. */
function podsThatRefer(store: ObjectStore, namespace: string, node: string): readonly ApiObject[] {
  return store
    .list(coreResource('pods'), namespace)
    .filter((pod) => textAt(pod, 'spec.nodeName') === node && !isMirrorPod(pod));
}

function denied(reason: string): NodeVerdict {
  return { allowed: false, reason };
}

function unrelated(node: string): NodeVerdict {
  return denied(`no relationship found between node '${node}' and this object`);
}

function authorizeLease({ verb, namespace, name }: ResourceAttributes, node: string): NodeVerdict {
  if (namespace !== 'kube-node-lease')
    return denied(`can only access leases in the "kube-node-lease" system namespace`);
  // When a lease is created, its name is only in the body.
  if (verb !== 'create' && name !== node)
    return denied(`can only access node lease with the same name as the requesting node`);
  return leaseVerbs.includes(verb)
    ? allowed
    : denied('can only get, create, update, patch, or delete a node lease');
}

function authorizeReference({ store, attributes, node }: NodeRequest): NodeVerdict {
  const { verb, name, namespace, resource, subresource } = attributes;
  if (!readVerbs.includes(verb)) return denied('can only read resources of this type');
  if (subresource !== '') return denied('cannot read subresource');
  if (namespace === '') return denied('can only read namespaced object of this type');
  if (name === '') return denied('No Object name found');
  const kind = resource === 'secrets' ? 'secret' : 'configMap';
  const isRelated = podsThatRefer(store, namespace, node).some((pod) => namesIn(pod, kind).has(name));
  return isRelated ? allowed : unrelated(node);
}
