import type { User } from '../request/exchange.js';
import { notFound } from '../request/status.js';
import { type ApiObject, listAt, textAt } from '../resources/api-object.js';
import { findResource } from '../resources/catalogue.js';
import type { Resource } from '../resources/resource.js';
import type { ObjectStore } from '../store/object-store.js';
import type { Attributes } from './attributes.js';
import { coversPath, type PolicyRule } from './rule-coverage.js';

/** A rule that a user has, and the binding that gives it. */
export interface GrantedRule {
  readonly rule: PolicyRule;
  /** `ClusterRoleBinding "a" of ClusterRole "b" to Group "c"`. */
  readonly source: string;
}

/** The rules of a user: for the whole cluster, and for a namespace if one is given. */
export function rulesFor(store: ObjectStore, user: User, namespace: string): readonly GrantedRule[] {
  const bindings = [
    ...store.list(rbacKind('clusterrolebindings')),
    ...(namespace === '' ? [] : store.list(rbacKind('rolebindings'), namespace)),
  ];
  return bindings.flatMap((binding) => {
    const subject = listAt(binding, 'subjects').find((each) => isSubject(each, user, binding));
    return subject === undefined ? [] : grantsOf(store, binding, subject);
  });
}

export function findGrant(store: ObjectStore, attributes: Attributes): GrantedRule | undefined {
  const namespace = attributes.kind === 'resource' ? attributes.namespace : '';
  return rulesFor(store, attributes.user, namespace).find(({ rule }) => allows(rule, attributes));
}

export interface RoleReference {
  readonly kind: string;
  readonly name: string;
}

/** The rules that a binding gives; `namespace` is the binding's. Throws 404 when the role does not exist. */
export function rulesOfReference(
  store: ObjectStore,
  reference: RoleReference,
  namespace: string | undefined,
): readonly PolicyRule[] {
  const role = referredRole(store, reference, namespace);
  if (role !== undefined) return rulesOf(role);
  throw notFound(rbacKind(reference.kind === 'ClusterRole' ? 'clusterroles' : 'roles'), reference.name);
}

export function rulesOf(role: unknown): readonly PolicyRule[] {
  return listAt(role, 'rules').map(readRule);
}

function referredRole(
  store: ObjectStore,
  { kind, name }: RoleReference,
  namespace: string | undefined,
): ApiObject | undefined {
  if (kind === 'ClusterRole') return store.get(rbacKind('clusterroles'), { name });
  return namespace === undefined ? undefined : store.get(rbacKind('roles'), { name, namespace });
}

function rbacKind(plural: string): Resource {
  const found = findResource('rbac.authorization.k8s.io', 'v1', plural);
  if (found === undefined) throw new Error(`the catalogue lacks ${plural}`);
  return found;
}

function isSubject(subject: unknown, user: User, binding: ApiObject): boolean {
  const name = textAt(subject, 'name');
  switch (textAt(subject, 'kind')) {
    case 'User':
      return user.name === name;
    case 'Group':
      return user.groups.includes(name);
    case 'ServiceAccount': {
      const namespace = textAt(subject, 'namespace') || (binding.metadata.namespace ?? '');
      return user.name === `system:serviceaccount:${namespace}:${name}`;
    }
    default:
      return false;
  }
}

function grantsOf(store: ObjectStore, binding: ApiObject, subject: unknown): readonly GrantedRule[] {
  const kind = textAt(binding, 'roleRef.kind');
  const name = textAt(binding, 'roleRef.name');
  const role = referredRole(store, { kind, name }, binding.metadata.namespace);
  if (role === undefined) return [];
  const place = binding.metadata.namespace === undefined ? '' : `/${binding.metadata.namespace}`;
  const source =
    `${binding.kind} ${JSON.stringify(binding.metadata.name + place)} of ${kind} ${JSON.stringify(name)}` +
    ` to ${textAt(subject, 'kind')} ${JSON.stringify(textAt(subject, 'name'))}`;
  return rulesOf(role).map((rule) => ({ rule, source }));
}

function readRule(rule: unknown): PolicyRule {
  const texts = (key: string): readonly string[] => listAt(rule, key).map(String);
  return {
    verbs: texts('verbs'),
    apiGroups: texts('apiGroups'),
    resources: texts('resources'),
    resourceNames: texts('resourceNames'),
    nonResourceURLs: texts('nonResourceURLs'),
  };
}

function allows(rule: PolicyRule, attributes: Attributes): boolean {
  if (!includes(rule.verbs, attributes.verb)) return false;
  if (attributes.kind === 'path') return rule.nonResourceURLs.some((url) => coversPath(url, attributes.path));
  const { group, resource, subresource, name } = attributes;
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  const matches = rule.resources.some(
    (each) => each === '*' || each === whole || (subresource !== '' && each === `*/${subresource}`),
  );
  const named = rule.resourceNames.length === 0 || rule.resourceNames.includes(name);
  return matches && named && includes(rule.apiGroups, group);
}

function includes(list: readonly string[], wanted: string): boolean {
  return list.includes('*') || list.includes(wanted);
}
