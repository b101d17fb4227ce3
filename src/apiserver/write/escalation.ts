import { rulesFor, rulesOf, rulesOfReference } from '../auth/rbac.js';
import type { PolicyRule } from '../auth/rule-coverage.js';
import { goList, uncovered } from '../auth/rule-coverage.js';
import { forbidden } from '../request/status.js';
import { listAt, textAt } from '../resources/api-object.js';
import { type JsonObject, metadataOf, sameJson } from '../resources/json.js';
import type { Write } from './write.js';

const rbac = 'rbac.authorization.k8s.io';
const none = { apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: [] };
const allRules: readonly PolicyRule[] = [
  { ...none, verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { ...none, verbs: ['*'], nonResourceURLs: ['*'] },
];

/** A role or binding that is about to be written. */
export interface RoleChange {
  readonly object: JsonObject;
  /** The stored one; absent when it does not exist. */
  readonly old?: JsonObject;
  /** The name in the path of the request; empty for a create. */
  readonly requestName: string;
}

/**
 * Users cannot give permissions that they do not have. To write a role, they need all its rules, or the verb
 * `escalate`; to write a binding, they need the rules of its role, or the verb `bind`. Throws 403, and 404 for a role
 * that does not exist.
 */
export function refuseEscalation(write: Write, change: RoleChange): void {
  if (write.resource.group !== rbac || onlyCollects(change)) return;
  switch (write.resource.plural) {
    case 'roles':
    case 'clusterroles':
      return refuseRole(write, change);
    case 'rolebindings':
    case 'clusterrolebindings':
      return refuseBinding(write, change);
    default:
  }
}

function refuseRole(write: Write, { object, old, requestName }: RoleChange): void {
  if (isAllowed(write, { verb: 'escalate', resource: write.resource.plural, name: requestName })) return;
  refuseMissing(write, object, rulesOf(object));
  if (!collectsRules(object) && !(old !== undefined && collectsRules(old))) return;
  if (missingRules(write, allRules).length === 0) return;
  const cause = 'must have cluster-admin privileges to use the aggregationRule';
  throw forbidden(write.resource, nameOf(object), cause);
}

function refuseBinding(write: Write, { object }: RoleChange): void {
  const reference = { kind: textAt(object, 'roleRef.kind'), name: textAt(object, 'roleRef.name') };
  const resource = reference.kind === 'ClusterRole' ? 'clusterroles' : 'roles';
  if (isAllowed(write, { verb: 'bind', resource, name: reference.name })) return;
  refuseMissing(write, object, rulesOfReference(write.context.store, reference, write.namespace));
}

function isAllowed(
  { context, user, namespace = '' }: Write,
  what: { readonly verb: string; readonly resource: string; readonly name: string },
): boolean {
  return context.authorize({ kind: 'resource', user, group: rbac, subresource: '', namespace, ...what })
    .allowed;
}

function refuseMissing(write: Write, object: JsonObject, rules: readonly PolicyRule[]): void {
  const missing = missingRules(write, rules);
  if (missing.length === 0) return;
  const { name, groups } = write.user;
  const who = `user ${JSON.stringify(name)} (groups=${goList(groups)})`;
  const cause = `${who} is attempting to grant RBAC permissions not currently held:\n${missing.join('\n')}`;
  throw forbidden(write.resource, nameOf(object), cause);
}

function missingRules(
  { context, user, namespace = '' }: Write,
  rules: readonly PolicyRule[],
): readonly string[] {
  const held = rulesFor(context.store, user, namespace).map(({ rule }) => rule);
  return uncovered(held, rules);
}

/** The role collects the rules of other roles. */
function collectsRules(role: JsonObject): boolean {
  return listAt(role, 'aggregationRule.clusterRoleSelectors').length > 0;
}

/** Garbage collectors must be able to delete any object. */
function onlyCollects({ object, old }: RoleChange): boolean {
  if (old === undefined) return false;
  const bare = (each: JsonObject): JsonObject => {
    const {
      ownerReferences: _owners,
      finalizers: _finalizers,
      managedFields: _managers,
      ...metadata
    } = metadataOf(each);
    return { ...each, metadata };
  };
  return sameJson(bare(object), bare(old));
}

function nameOf(object: JsonObject): string {
  return String(metadataOf(object)['name']);
}
