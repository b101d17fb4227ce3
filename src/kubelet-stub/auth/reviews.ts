import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.js';
import type { KubeClient } from '../../kube/kube-client.js';
import { reviewToken, type TokenReviewStatus } from '../../kube/token-review.js';
import { TtlCache } from './ttl-cache.js';
import type { Authorizer, NodeAttributes, TokenAuthenticator, UserInfo } from './user.js';

export type ReviewApi = Pick<KubeClient, 'create'>;

const accessReviews = {
  resource: { group: 'authorization.k8s.io', version: 'v1', plural: 'subjectaccessreviews' },
} as const;

const cacheLimit = 8192;

export interface TokenReviewOptions {
  /** How long an answer is cached. Default 2 min. */
  readonly cacheTtlMs?: number;
}

/** Checks tokens by TokenReview, as with `authentication.webhook`. */
export function tokenReviewer(
  api: ReviewApi,
  clock: Clock,
  { cacheTtlMs = 120_000 }: TokenReviewOptions = {},
): TokenAuthenticator {
  const cache = new TtlCache<UserInfo | undefined>(clock, cacheLimit);
  return {
    async authenticate(token) {
      // The cache holds hashes, not tokens.
      const key = createHash('sha256').update(token).digest('base64');
      const known = cache.get(key);
      if (known !== undefined) return known.value;
      const user = userOf(await reviewToken(api, { token }));
      cache.set(key, user, cacheTtlMs);
      return user;
    },
  };
}

function userOf({ authenticated, user = {} }: TokenReviewStatus): UserInfo | undefined {
  const { username: name, uid, groups = [], extra } = user;
  if (authenticated !== true || name === undefined) return undefined;
  return {
    name,
    groups: groups.includes(authenticatedGroup) ? groups : [...groups, authenticatedGroup],
    ...(uid === undefined ? {} : { uid }),
    ...(extra === undefined ? {} : { extra }),
  };
}

export const authenticatedGroup = 'system:authenticated';

export interface AccessReviewOptions {
  readonly nodeName: string;
  /** How long a permission is cached. Default 5 min. */
  readonly allowedTtlMs?: number;
  /** How long a refusal is cached. Default 30 s. */
  readonly deniedTtlMs?: number;
  /** Groups that may do everything without a review. Default `system:masters`. */
  readonly privilegedGroups?: readonly string[];
}

interface SubjectAccessReview {
  readonly status?: { readonly allowed?: boolean; readonly denied?: boolean };
}

/** Decides by SubjectAccessReview, as authorization mode `Webhook`. */
export function accessReviewer(api: ReviewApi, clock: Clock, options: AccessReviewOptions): Authorizer {
  const { nodeName, allowedTtlMs = 300_000, deniedTtlMs = 30_000 } = options;
  const { privilegedGroups = ['system:masters'] } = options;
  const cache = new TtlCache<boolean>(clock, cacheLimit);
  const decide = async (user: UserInfo, verb: string, subresource: string): Promise<boolean> => {
    const spec = reviewSpec(user, {
      namespace: '',
      verb,
      version: 'v1',
      resource: 'nodes',
      subresource,
      name: nodeName,
    });
    const key = JSON.stringify(spec);
    const known = cache.get(key);
    if (known !== undefined) return known.value;
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec };
    const { status } = await api.create<SubjectAccessReview>(accessReviews, review);
    const allowed = status?.allowed === true;
    cache.set(key, allowed, allowed ? allowedTtlMs : deniedTtlMs);
    return allowed;
  };
  return {
    async authorize(user, { verb, subresources }: NodeAttributes) {
      if (user.groups.some((group) => privilegedGroups.includes(group))) return true;
      for (const subresource of subresources) if (await decide(user, verb, subresource)) return true;
      return false;
    },
  };
}

function reviewSpec({ name, uid, groups, extra }: UserInfo, resourceAttributes: object): object {
  return {
    resourceAttributes,
    user: name,
    groups,
    ...(uid === undefined ? {} : { uid }),
    ...(extra === undefined ? {} : { extra }),
  };
}
