import { nodeOfUser } from '../auth/node-authorizer.js';
import type { Admission, AdmissionRequest } from '../request/admission.js';
import { forbidden, notFound } from '../request/status.js';
import { at, entriesAt, listAt, textAt } from '../resources/api-object.js';
import { coreResource } from '../resources/catalogue.js';
import { sameJson } from '../resources/json.js';
import { accountOfPod, isMirrorPod, namesIn } from '../resources/pod-references.js';
import type { ObjectStore } from '../store/object-store.js';

interface Attempt {
  readonly request: AdmissionRequest;
  readonly node: string;
  readonly store: ObjectStore;
}

/** The reason why it may not; undefined when it may. */
type Refusal = (attempt: Attempt) => string | undefined;

/** NodeRestriction: a kubelet changes only its node, its lease and its pods, and gets tokens only for these pods. */
export function restrictNodes(next: Admission, store: ObjectStore): Admission {
  return async (request) => {
    const node = nodeOfUser(request.user);
    const cause = node === undefined ? undefined : refusal({ request, node, store });
    if (cause !== undefined) throw forbidden(request.resource, request.name, cause);
    return next(request);
  };
}

const refusals: Readonly<Record<string, Refusal>> = {
  pods: podRefusal,
  nodes: nodeRefusal,
  serviceaccounts: tokenRefusal,
  leases: leaseRefusal,
};

function refusal(attempt: Attempt): string | undefined {
  const { resource, operation } = attempt.request;
  return operation === 'CONNECT' ? undefined : refusals[resource.plural]?.(attempt);
}

function leaseRefusal({ request: { namespace, name }, node }: Attempt): string | undefined {
  if (namespace !== 'kube-node-lease')
    return 'can only access leases in the "kube-node-lease" system namespace';
  return name === node ? undefined : 'can only access node lease with the same name as the requesting node';
}

function nodeRefusal({ request: { name, operation, object, oldObject }, node }: Attempt): string | undefined {
  if (name !== node) return `node ${quoted(node)} is not allowed to modify node ${quoted(name)}`;
  if (operation === 'DELETE') return undefined;
  const labels = changedLabels(object, oldObject).filter(isReserved).sort();
  if (oldObject === undefined) {
    const list = labels.join(', ');
    return list === ''
      ? undefined
      : `node ${quoted(node)} is not allowed to set the following labels: ${list}`;
  }
  if (!sameJson(listAt(object, 'spec.taints'), listAt(oldObject, 'spec.taints')))
    return `node ${quoted(node)} is not allowed to modify taints`;
  return labels.length === 0 ? undefined : `is not allowed to modify labels: ${labels.join(', ')}`;
}

function changedLabels(next: unknown, old: unknown): readonly string[] {
  const [after, before] = [next, old].map((each) => new Map(entriesAt(each, 'metadata.labels')));
  const keys = new Set([...(after?.keys() ?? []), ...(before?.keys() ?? [])]);
  return [...keys].filter((key) => after?.get(key) !== before?.get(key));
}

/** Labels of Kubernetes that a kubelet sets itself. */
const kubeletLabels = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'node.kubernetes.io/windows-build',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
]);

/** Labels with which a node could attract pods that are meant for other nodes. */
function isReserved(label: string): boolean {
  const prefix = label.includes('/') ? label.slice(0, label.indexOf('/')) : '';
  const isBelow = (domain: string): boolean => prefix === domain || prefix.endsWith(`.${domain}`);
  if (isBelow('node-restriction.kubernetes.io')) return true;
  const isOwn = isBelow('kubelet.kubernetes.io') || isBelow('node.kubernetes.io') || kubeletLabels.has(label);
  return (isBelow('kubernetes.io') || isBelow('k8s.io')) && !isOwn;
}

/** Throws 404 when the pod does not exist. */
function tokenRefusal({ request, node, store }: Attempt): string | undefined {
  const { operation, subresource, object, namespace = '' } = request;
  if (operation !== 'CREATE' || subresource !== 'token') return undefined;
  const part = (name: string): string => textAt(object, `spec.boundObjectRef.${name}`);
  if (part('apiVersion') !== 'v1' || part('kind') !== 'Pod' || part('name') === '')
    return 'node requested token not bound to a pod';
  if (part('uid') === '') return 'node requested token with a pod binding without a uid';
  const pods = coreResource('pods');
  const pod = store.get(pods, { namespace, name: part('name') });
  if (pod === undefined) throw notFound(pods, part('name'));
  if (pod.metadata.uid !== part('uid'))
    return `the UID in the bound object reference (${part('uid')}) does not match the UID in record. The object might have been deleted and then recreated`;
  return textAt(pod, 'spec.nodeName') === node
    ? undefined
    : 'node requested token bound to a pod scheduled on a different node';
}

function podRefusal(attempt: Attempt): string | undefined {
  const { request, node } = attempt;
  const { operation, subresource = '', object, oldObject } = request;
  const isOwn = textAt(oldObject ?? object, 'spec.nodeName') === node;
  if (operation === 'DELETE')
    return isOwn ? undefined : `node ${quoted(node)} can only delete pods with spec.nodeName set to itself`;
  if (subresource === '' && operation === 'CREATE') return mirrorRefusal(attempt);
  if (subresource === '')
    return `unexpected operation ${quoted(operation)}, node ${quoted(node)} can only create and delete mirror pods`;
  if (subresource !== 'status')
    return `unexpected pod subresource ${quoted(subresource)}, only 'status' and 'eviction' are allowed`;
  if (!isOwn)
    return `node ${quoted(node)} can only update pod status for pods with spec.nodeName set to itself`;
  return changedLabels(object, oldObject).length === 0
    ? undefined
    : `node ${quoted(node)} cannot update labels through pod status`;
}

/** A kubelet creates mirror pods; they give it no new permissions. */
function mirrorRefusal(attempt: Attempt): string | undefined {
  const { request, node } = attempt;
  const { object } = request;
  const only = `node ${quoted(node)} can only create pods with`;
  if (!isMirrorPod(object))
    return `pod does not have "kubernetes.io/config.mirror" annotation, node ${quoted(node)} can only create mirror pods`;
  if (textAt(object, 'spec.nodeName') !== node) return `${only} spec.nodeName set to itself`;
  const owners = listAt(object, 'metadata.ownerReferences');
  if (owners.length > 1) return `${only} a single owner reference set to itself`;
  return ownerRefusal(attempt, owners[0]) ?? referenceRefusal(object, node);
}

function ownerRefusal({ node, store }: Attempt, owner: unknown): string | undefined {
  const only = `node ${quoted(node)} can only create pods with`;
  const is = (field: string, text: string): boolean => textAt(owner, field) === text;
  if (!is('apiVersion', 'v1') || !is('kind', 'Node') || !is('name', node))
    return `${only} an owner reference set to itself`;
  if (at(owner, 'controller') !== true) return `${only} a controller owner reference set to itself`;
  if (at(owner, 'blockOwnerDeletion') === true)
    return `node ${quoted(node)} must not set blockOwnerDeletion on an owner reference`;
  const nodes = coreResource('nodes');
  const uid = store.get(nodes, { name: node })?.metadata.uid;
  if (uid === undefined) throw notFound(nodes, node);
  return is('uid', uid)
    ? undefined
    : `node ${node} UID mismatch: expected ${textAt(owner, 'uid')} got ${uid}`;
}

function referenceRefusal(pod: unknown, node: string): string | undefined {
  const no = `node ${quoted(node)} can not create pods that reference`;
  if (accountOfPod(pod) !== '') return `${no} a service account`;
  if (namesIn(pod, 'secret').size > 0) return `${no} secrets`;
  if (namesIn(pod, 'configMap').size > 0) return `${no} configmaps`;
  const claims = listAt(pod, 'spec.volumes').some((each) => at(each, 'persistentVolumeClaim') !== undefined);
  return claims ? `${no} persistentvolumeclaims` : undefined;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
