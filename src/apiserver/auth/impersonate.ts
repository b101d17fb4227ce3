import type { IncomingMessage } from 'node:http';
import type { User } from '../request/exchange.js';
import { StatusError } from '../request/status.js';
import { forbiddenRequest, type ResourceAttributes } from './attributes.js';
import type { Authorizer } from './authorize.js';

const authentication = 'authentication.k8s.io';
const extraPrefix = 'impersonate-extra-';
const anonymous = 'system:anonymous';
const [authenticated, unauthenticated] = ['system:authenticated', 'system:unauthenticated'];

/** The user in the impersonation headers. */
interface Wish {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: readonly (readonly [key: string, value: string])[];
}

/** Headers that name the user to impersonate. Only the API server reads them. */
export function isImpersonationHeader(lowerCaseName: string): boolean {
  return (
    ['impersonate-user', 'impersonate-uid', 'impersonate-group'].includes(lowerCaseName) ||
    lowerCaseName.startsWith(extraPrefix)
  );
}

/** `kubectl --as`, or the authenticated user. Throws 403, and 500 for groups, a UID or extras without a user. */
export function impersonated(request: IncomingMessage, user: User, authorize: Authorizer): User {
  const wish = wishOf(request.rawHeaders);
  const subjects = subjectsOf(wish);
  if (subjects.length === 0) return user;
  if (wish.name === '') throw withoutUser(request.url ?? '/', wish);
  for (const subject of subjects) {
    const attributes: ResourceAttributes = { kind: 'resource', user, verb: 'impersonate', ...subject };
    const { allowed, reason } = authorize(attributes);
    if (!allowed) throw forbiddenRequest(attributes, reason);
  }
  const { name, uid, extra } = wish;
  return {
    name,
    groups: groupsOf(wish),
    ...(uid === '' ? {} : { uid }),
    ...(extra.length === 0 ? {} : { extra: collected(extra) }),
  };
}

/** From the raw headers: a repeated header is a list, and a comma is part of a name. */
function wishOf(rawHeaders: readonly string[]): Wish {
  const pairs = Array.from(
    { length: rawHeaders.length >> 1 },
    (_, index) => [rawHeaders[2 * index]?.toLowerCase() ?? '', rawHeaders[2 * index + 1] ?? ''] as const,
  );
  const valuesOf = (wanted: string): readonly string[] =>
    pairs.filter(([name]) => name === wanted).map(([, value]) => value);
  return {
    name: valuesOf('impersonate-user')[0] ?? '',
    uid: valuesOf('impersonate-uid')[0] ?? '',
    groups: valuesOf('impersonate-group'),
    extra: pairs
      .filter(([name]) => name.startsWith(extraPrefix))
      .map(([name, value]) => [unescaped(name.slice(extraPrefix.length)), value]),
  };
}

/** Keys with characters that headers cannot have are escaped as in a URL. */
function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

type Subject = Omit<ResourceAttributes, 'kind' | 'user' | 'verb'>;

/** Each part of a user needs its own permission. */
function subjectsOf({ name, uid, groups, extra }: Wish): readonly Subject[] {
  const nowhere = { subresource: '', namespace: '' };
  const account = accountOf(name);
  const user: Subject =
    account === undefined
      ? { group: '', resource: 'users', name, ...nowhere }
      : { group: '', resource: 'serviceaccounts', subresource: '', ...account };
  return [
    ...(name === '' ? [] : [user]),
    ...groups.map((group) => ({ group: '', resource: 'groups', name: group, ...nowhere })),
    ...extra.map(([key, value]) => ({
      group: authentication,
      resource: 'userextras',
      name: value,
      ...nowhere,
      subresource: key,
    })),
    ...(uid === '' ? [] : [{ group: authentication, resource: 'uids', name: uid, ...nowhere }]),
  ];
}

/** The service account that has this user name. */
function accountOf(userName: string): { readonly namespace: string; readonly name: string } | undefined {
  const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
  const form = new RegExp(`^system:serviceaccount:(?<namespace>${label}):(?<name>${label}(\\.${label})*)$`);
  const { namespace, name } = form.exec(userName)?.groups ?? {};
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

function groupsOf({ name, groups }: Wish): readonly string[] {
  const account = accountOf(name);
  const implied =
    account === undefined || groups.length > 0
      ? []
      : ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`];
  const all = [...groups, ...implied];
  if (name === anonymous) return all.includes(unauthenticated) ? all : [...all, unauthenticated];
  return all.includes(authenticated) || all.includes(unauthenticated) ? all : [...all, authenticated];
}

function collected(extra: Wish['extra']): Readonly<Record<string, readonly string[]>> {
  const keys = [...new Set(extra.map(([key]) => key))];
  const valuesOf = (wanted: string): readonly string[] =>
    extra.filter(([key]) => key === wanted).map(([, value]) => value);
  return Object.fromEntries(keys.map((key) => [key, valuesOf(key)]));
}

/** As plain text; the parts are printed as Go prints a list of object references. */
function withoutUser(url: string, { groups, extra, uid }: Wish): StatusError {
  const version = `${authentication}/v1`;
  const parts = [
    ...groups.map((group) => `{Group  ${group}    }`),
    ...extra.map(([key, value]) => `{UserExtra  ${value}  ${version}  ${key}}`),
    ...(uid === '' ? [] : [`{UID  ${uid}  ${version}  }`]),
  ];
  const cause = `requested [${parts.join(' ')}] without impersonating a user`;
  return new StatusError(500, `Internal Server Error: ${JSON.stringify(url)}: ${cause}`, { plainText: true });
}
