import type { AdmissionRequest } from '../request/admission.js';
import { notFound } from '../request/status.js';
import { entriesAt, listAt, textAt } from '../resources/api-object.js';
import { coreResource } from '../resources/catalogue.js';
import type { Resource } from '../resources/resource.js';
import type { ObjectStore } from '../store/object-store.js';
import type { Webhook } from './configurations.js';

/** Throws 404 when the namespace of the object does not exist. */
export function isConcerned(webhook: Webhook, request: AdmissionRequest, store: ObjectStore): boolean {
  return (
    webhook.rules.some((rule) => ruleMatches(rule, request)) &&
    objectMatches(webhook.objectSelector, request) &&
    namespaceMatches(webhook.namespaceSelector, request, store)
  );
}

/** Each group has one version here, so `matchPolicy: Equivalent` and `Exact` give the same result. */
function ruleMatches(
  rule: unknown,
  { operation, resource, subresource = '', ...rest }: AdmissionRequest,
): boolean {
  return (
    names(rule, 'operations', operation) &&
    names(rule, 'apiGroups', resource.group) &&
    names(rule, 'apiVersions', resource.version) &&
    listAt(rule, 'resources').some((each) => resourceMatches(String(each), resource, subresource)) &&
    scopeMatches(textAt(rule, 'scope'), resource, rest.namespace)
  );
}

function names(rule: unknown, key: string, value: string): boolean {
  return listAt(rule, key).some((each) => each === '*' || each === value);
}

/** `pods`, `pods/status`, `pods/*`, `*`, `*` + `/status`; a pattern without a slash matches no subresource. */
function resourceMatches(pattern: string, { plural }: Resource, subresource: string): boolean {
  const [resourcePattern = '', partPattern = ''] = pattern.split('/');
  return (
    (resourcePattern === '*' || resourcePattern === plural) &&
    (partPattern === '*' || partPattern === subresource)
  );
}

/** Namespaces themselves are cluster-wide. */
function scopeMatches(scope: string, resource: Resource, namespace: string | undefined): boolean {
  const isInNamespace = namespace !== undefined && !isNamespaceKind(resource);
  switch (scope) {
    case 'Namespaced':
      return isInNamespace;
    case 'Cluster':
      return !isInNamespace;
    default:
      return true;
  }
}

/** It matches if the object before or after the write matches. */
function objectMatches(selector: unknown, { object, oldObject }: AdmissionRequest): boolean {
  if (isEmpty(selector)) return true;
  return [object, oldObject].some((each) => each !== undefined && selects(selector, labelsOf(each)));
}

function namespaceMatches(
  selector: unknown,
  { resource, namespace, name, object, operation }: AdmissionRequest,
  store: ObjectStore,
): boolean {
  if (isEmpty(selector)) return true;
  const namespaces = coreResource('namespaces');
  if (isNamespaceKind(resource)) {
    if (operation !== 'DELETE' && object !== undefined) return selects(selector, labelsOf(object));
    return selects(selector, labelsOf(store.get(namespaces, { name })));
  }
  if (namespace === undefined) return true;
  const found = store.get(namespaces, { name: namespace });
  if (found === undefined) throw notFound(namespaces, namespace);
  return selects(selector, labelsOf(found));
}

function isNamespaceKind({ group, plural }: Resource): boolean {
  return group === '' && plural === 'namespaces';
}

type Labels = ReadonlyMap<string, string>;

function labelsOf(object: unknown): Labels {
  return new Map(entriesAt(object, 'metadata.labels'));
}

function isEmpty(selector: unknown): boolean {
  return entriesAt(selector, 'matchLabels').length === 0 && listAt(selector, 'matchExpressions').length === 0;
}

export function selects(selector: unknown, labels: Labels): boolean {
  return (
    entriesAt(selector, 'matchLabels').every(([key, value]) => labels.get(key) === value) &&
    listAt(selector, 'matchExpressions').every((each) => expressionMatches(each, labels))
  );
}

function expressionMatches(expression: unknown, labels: Labels): boolean {
  const value = labels.get(textAt(expression, 'key'));
  const isListed = value !== undefined && listAt(expression, 'values').includes(value);
  switch (textAt(expression, 'operator')) {
    case 'In':
      return isListed;
    case 'NotIn':
      return !isListed;
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}
