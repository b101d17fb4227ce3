import { nodeOfUser } from '../auth/node-authorizer.js';
import { forbidden } from '../http/status.js';
import { entriesAt, textAt } from '../resources/api-object.js';
import type { Admission, AdmissionRequest } from './admission.js';

const mirrorAnnotation = 'kubernetes.io/config.mirror';

/** The NodeRestriction admission plugin: a kubelet changes its own node, its own lease and the pods on its node. */
export function restrictNodes(next: Admission): Admission {
  return async (request) => {
    const node = nodeOfUser(request.user);
    const cause = node === undefined ? undefined : refusal(request, node);
    if (cause !== undefined) throw forbidden(request.resource, request.name, cause);
    return next(request);
  };
}

function refusal(request: AdmissionRequest, node: string): string | undefined {
  const { resource, name, operation } = request;
  if (operation === 'CONNECT') return undefined;
  switch (resource.plural) {
    case 'pods':
      return podRefusal(request, node);
    case 'nodes':
      return name === node ? undefined : `node ${quoted(node)} is not allowed to modify node ${quoted(name)}`;
    case 'leases':
      return name === node
        ? undefined
        : 'can only access node lease with the same name as the requesting node';
    default:
      return undefined;
  }
}

function podRefusal(
  { operation, subresource, object, oldObject }: AdmissionRequest,
  node: string,
): string | undefined {
  const isOwn = textAt(oldObject ?? object, 'spec.nodeName') === node;
  if (operation === 'DELETE')
    return isOwn ? undefined : `node ${quoted(node)} can only delete pods with spec.nodeName set to itself`;
  if (operation === 'CREATE') {
    if (entriesAt(object, 'metadata.annotations').some(([key]) => key === mirrorAnnotation))
      return isOwn ? undefined : `node ${quoted(node)} can only create pods with spec.nodeName set to itself`;
    return `pod does not have ${quoted(mirrorAnnotation)} annotation, node ${quoted(node)} can only create mirror pods`;
  }
  if (subresource !== 'status') return `unexpected pod subresource ${quoted(subresource ?? '')}`;
  return isOwn
    ? undefined
    : `node ${quoted(node)} can only update pod status for pods with spec.nodeName set to itself`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
