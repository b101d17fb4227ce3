import type { RequestContext, User } from '../request/exchange.js';
import type { Route } from '../request/route.js';
import { wantsWatch } from '../request/selection.js';
import { StatusError } from '../request/status.js';
import { requiredValue } from '../resources/field-selector.js';

/** The question to the authorizer: may this user do this? */
export type Attributes = ResourceAttributes | PathAttributes;

export interface ResourceAttributes {
  readonly kind: 'resource';
  readonly user: User;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`. */
  readonly verb: string;
  /** Empty for the core group. */
  readonly group: string;
  /** Plural. */
  readonly resource: string;
  /** Empty: the object itself. */
  readonly subresource: string;
  /** Empty: the whole cluster. */
  readonly namespace: string;
  /** Empty: all. */
  readonly name: string;
  /** From the query: nodes may only see their own objects. */
  readonly fieldSelector?: string;
}

export interface PathAttributes {
  readonly kind: 'path';
  readonly user: User;
  readonly verb: string;
  readonly path: string;
}

export function attributesOf({ user, method, path, query }: RequestContext, route: Route): Attributes {
  if (route.kind !== 'resource') return { kind: 'path', user, verb: method.toLowerCase(), path };
  const { resource, subresource, namespace, name } = route;
  const isNamespace = resource.kind === 'Namespace' && name !== undefined;
  const verb = verbOf(method, name !== undefined, query);
  const selector = query.get('fieldSelector') ?? '';
  return {
    kind: 'resource',
    user,
    verb,
    group: resource.group,
    resource: resource.plural,
    subresource: subresource?.name ?? '',
    // A namespace object counts as inside itself.
    namespace: isNamespace ? name : (namespace ?? ''),
    name: name ?? selectedName(verb, selector),
    ...(selector === '' ? {} : { fieldSelector: selector }),
  };
}

/** A list or watch of one name asks for that object. All other verbs ignore the query. */
function selectedName(verb: string, selector: string): string {
  if (verb !== 'list' && verb !== 'watch') return '';
  const name = requiredValue(selector, 'metadata.name') ?? '';
  return name === '.' || name === '..' || /[/%]/.test(name) ? '' : name;
}

/** Kubernetes' verb of a request for a resource. */
export function verbOf(method: string, isNamed: boolean, query: URLSearchParams): string {
  switch (method) {
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return isNamed ? 'delete' : 'deletecollection';
    default:
      if (isNamed) return 'get';
      return wantsWatch(query) ? 'watch' : 'list';
  }
}

/** 403 in the words of kube-apiserver. */
export function forbiddenRequest(attributes: Attributes, reason: string): StatusError {
  const user = `User ${JSON.stringify(attributes.user.name)}`;
  const because = reason === '' ? '' : `: ${reason}`;
  if (attributes.kind === 'path') {
    const { verb, path } = attributes;
    return new StatusError(403, `forbidden: ${user} cannot ${verb} path ${JSON.stringify(path)}${because}`, {
      reason: 'Forbidden',
      details: {},
    });
  }
  const { verb, group, resource, subresource, namespace, name } = attributes;
  const scope = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  const what = JSON.stringify(subresource === '' ? resource : `${resource}/${subresource}`);
  const subject =
    (group === '' ? resource : `${resource}.${group}`) + (name === '' ? '' : ` ${JSON.stringify(name)}`);
  const message = `${subject} is forbidden: ${user} cannot ${verb} resource ${what} in API group ${JSON.stringify(group)} ${scope}${because}`;
  return new StatusError(403, message, {
    reason: 'Forbidden',
    details: { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource },
  });
}
