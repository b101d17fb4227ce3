import type { IncomingMessage } from 'node:http';
import type { User } from '../http/exchange.js';
import { forbiddenRequest, type ResourceAttributes } from './attributes.js';
import type { Authorizer } from './authorize.js';

/**
 * The user whom a request wants to act as (`kubectl --as`, `--as-group`), or the one who asks. Throws 403 for those who
 * may not.
 */
export function impersonated(request: IncomingMessage, user: User, authorize: Authorizer): User {
  const name = request.headers['impersonate-user'];
  const groups = listOf(request.headers['impersonate-group']);
  if (typeof name !== 'string' || name === '') return user;
  const subjects = [
    { resource: 'users', name },
    ...groups.map((group) => ({ resource: 'groups', name: group })),
  ];
  for (const subject of subjects) {
    const attributes: ResourceAttributes = {
      kind: 'resource',
      user,
      verb: 'impersonate',
      group: '',
      subresource: '',
      namespace: '',
      ...subject,
    };
    const { allowed, reason } = authorize(attributes);
    if (!allowed) throw forbiddenRequest(attributes, reason);
  }
  const isAnonymous = name === 'system:anonymous';
  return { name, groups: [...groups, isAnonymous ? 'system:unauthenticated' : 'system:authenticated'] };
}

/** Node joins repeated headers with commas. */
function listOf(value: string | readonly string[] | undefined): readonly string[] {
  const text = typeof value === 'string' ? value : (value ?? []).join(',');
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
