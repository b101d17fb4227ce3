import type { KubeClient } from './kube-client.js';

/** What the API knows of a token. */
export interface TokenReviewStatus {
  readonly authenticated?: boolean;
  readonly error?: string;
  readonly user?: {
    readonly username?: string;
    readonly uid?: string;
    readonly groups?: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
}

const group = 'authentication.k8s.io';
const target = { resource: { group, version: 'v1', plural: 'tokenreviews' } };

/** Asks who a token is. `audiences` are whom it must be made for; without them, the API itself. */
export async function reviewToken(
  api: Pick<KubeClient, 'create'>,
  spec: { readonly token: string; readonly audiences?: readonly string[] },
  options: { readonly signal?: AbortSignal } = {},
): Promise<TokenReviewStatus> {
  const review = { apiVersion: `${group}/v1`, kind: 'TokenReview', spec };
  const { status } = await api.create<{ readonly status?: TokenReviewStatus }>(target, review, options);
  return status ?? {};
}
