export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What a request wants from a kubelet, in the terms of a SubjectAccessReview. */
export interface NodeAttributes {
  /** Empty for methods without a verb, such as HEAD. */
  readonly verb: 'get' | 'create' | 'update' | 'patch' | 'delete' | '';
  /** Subresources of `nodes`; permission for one of them is enough. The most specific comes first. */
  readonly subresources: readonly string[];
}

/** Finds the user of a bearer token; undefined for an invalid token. Rejects when the check itself fails. */
export interface TokenAuthenticator {
  authenticate(token: string): Promise<UserInfo | undefined>;
}

/** Decides what a user may do on the node. Rejects when the check itself fails. */
export interface Authorizer {
  authorize(user: UserInfo, attributes: NodeAttributes): Promise<boolean>;
}

/** Authorization mode `AlwaysAllow`: every authenticated user may do everything. */
export const alwaysAllow: Authorizer = { authorize: async () => true };
