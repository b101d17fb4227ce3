import { randomUUID } from 'node:crypto';
import type { User } from '../request/exchange.js';
import { type ApiObject, at, textAt } from '../resources/api-object.js';
import { findKind } from '../resources/catalogue.js';
import { isObject, type JsonObject } from '../resources/json.js';
import type { ObjectStore } from '../store/object-store.js';
import { createJwtKey, type JwtKey, unverifiedClaims } from './jwt.js';
import { goList } from './rule-coverage.js';

/** The issuer of a kubeadm cluster, which is also the audience of the API itself. */
export const defaultIssuer = 'https://kubernetes.default.svc.cluster.local';

export interface TokenKeysOptions {
  /** The private key that signs, PEM (P-256 or RSA). Default: a new key. */
  readonly privateKeyPem?: string;
  /** Default `https://kubernetes.default.svc.cluster.local`. */
  readonly issuer?: string;
}

/** The keys that sign service account tokens. Replicas share them. */
export interface TokenKeys {
  readonly key: JwtKey;
  readonly issuer: string;
}

export function createTokenKeys({ privateKeyPem, issuer = defaultIssuer }: TokenKeysOptions = {}): TokenKeys {
  return { key: createJwtKey(privateKeyPem), issuer };
}

/** An object; the token becomes invalid when the object is deleted. */
export interface BoundObject {
  readonly kind: 'Pod' | 'Node' | 'Secret';
  readonly name: string;
  readonly uid: string;
}

export interface TokenWish {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  readonly bound?: readonly BoundObject[];
}

/** Signs a token that is valid from `nowMs` on. */
export function signServiceAccountToken(keys: TokenKeys, wish: TokenWish, nowMs: number): string {
  const issuedAt = Math.floor(nowMs / 1000);
  const bound = (wish.bound ?? []).map(({ kind, name, uid }) => [kind.toLowerCase(), { name, uid }]);
  return keys.key.sign({
    aud: wish.audiences,
    exp: issuedAt + wish.expirationSeconds,
    iat: issuedAt,
    iss: keys.issuer,
    jti: randomUUID(),
    'kubernetes.io': {
      namespace: wish.namespace,
      ...Object.fromEntries(bound),
      serviceaccount: { name: wish.name, uid: wish.uid },
    },
    nbf: issuedAt,
    sub: `system:serviceaccount:${wish.namespace}:${wish.name}`,
  });
}

/** The result of checking a token; `foreign` means that we did not issue it. */
export type TokenVerdict =
  | { readonly kind: 'good'; readonly user: User; readonly audiences: readonly string[] }
  | { readonly kind: 'bad'; readonly error: string }
  | { readonly kind: 'foreign' };

/** Checks signature, times and audience, and that the account and the bound object still exist. */
export function checkServiceAccountToken(
  { keys, store, nowMs }: { keys: TokenKeys; store: ObjectStore; nowMs: number },
  token: string,
  audiences: readonly string[],
): TokenVerdict {
  if (unverifiedClaims(token)?.['iss'] !== keys.issuer) return { kind: 'foreign' };
  const claims = keys.key.verify(token);
  if (claims === undefined) return bad('error in cryptographic primitive');
  const wrongTime = timeProblem(claims, nowMs);
  if (wrongTime !== undefined) return bad(wrongTime);
  const given = Array.isArray(claims['aud']) ? claims['aud'].map(String) : [];
  const shared = audiences.filter((audience) => given.includes(audience));
  if (shared.length === 0)
    return bad(`token audiences ${goList(given)} is invalid for the target audiences ${goList(audiences)}`);
  return checkSubjects(store, claims, shared);
}

function timeProblem(claims: JsonObject, nowMs: number): string | undefined {
  const seconds = nowMs / 1000;
  if (Number(claims['exp']) <= seconds) return 'service account token has expired';
  if (Number(claims['nbf']) > seconds + 1) return 'service account token is not valid yet';
  return undefined;
}

function checkSubjects(store: ObjectStore, claims: JsonObject, audiences: readonly string[]): TokenVerdict {
  const own = claims['kubernetes.io'];
  const namespace = textAt(own, 'namespace');
  const name = textAt(own, 'serviceaccount.name');
  const uid = textAt(own, 'serviceaccount.uid');
  const account = lookUp(store, 'ServiceAccount', { namespace, name });
  if (account === undefined) return bad(`serviceaccounts "${name}" not found`);
  if (account.metadata.uid !== uid) return bad('service account UID does not match claim');
  for (const kind of ['Pod', 'Secret', 'Node'] as const) {
    const bound = at(own, kind.toLowerCase());
    if (!isObject(bound)) continue;
    const place = { name: textAt(bound, 'name'), ...(kind === 'Node' ? {} : { namespace }) };
    const found = lookUp(store, kind, place);
    // The node in a pod's token is only information.
    if (kind === 'Node' && isObject(at(own, 'pod'))) continue;
    if (found === undefined || found.metadata.uid !== textAt(bound, 'uid'))
      return bad('service account token has been invalidated');
  }
  return { kind: 'good', audiences, user: serviceAccountUser(claims) };
}

function lookUp(
  store: ObjectStore,
  kind: string,
  key: { namespace?: string; name: string },
): ApiObject | undefined {
  const resource = findKind('v1', kind);
  return resource === undefined ? undefined : store.get(resource, key);
}

function serviceAccountUser(claims: JsonObject): User {
  const own = claims['kubernetes.io'];
  const namespace = textAt(own, 'namespace');
  const extra: Record<string, readonly string[]> = {
    'authentication.kubernetes.io/credential-id': [`JTI=${String(claims['jti'])}`],
  };
  for (const kind of ['node', 'pod'])
    for (const field of ['name', 'uid']) {
      const value = textAt(own, `${kind}.${field}`);
      if (value !== '') extra[`authentication.kubernetes.io/${kind}-${field}`] = [value];
    }
  return {
    name: `system:serviceaccount:${namespace}:${textAt(own, 'serviceaccount.name')}`,
    uid: textAt(own, 'serviceaccount.uid'),
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra,
  };
}

function bad(error: string): TokenVerdict {
  return { kind: 'bad', error: `[invalid bearer token, ${error}]` };
}
