/** Who asks, as Kubernetes names him. */
export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** What is asked of a kubelet, in the terms of a SubjectAccessReview. */
export interface NodeAttributes {
  /** Empty for methods without a verb, such as HEAD. */
  readonly verb: 'get' | 'create' | 'update' | 'patch' | 'delete' | '';
  /** Of resource `nodes`; one of them is enough. The most special one comes first. */
  readonly subresources: readonly string[];
}

/** Finds out whose bearer token it is; undefined when it is nobody's. Rejects when that cannot be found out. */
export interface TokenAuthenticator {
  authenticate(token: string): Promise<UserInfo | undefined>;
}

/** Decides who may do what on the node. Rejects when that cannot be decided. */
export interface Authorizer {
  authorize(user: UserInfo, attributes: NodeAttributes): Promise<boolean>;
}

/** Authorization mode `AlwaysAllow`: whoever is known may do everything. */
export const alwaysAllow: Authorizer = { authorize: async () => true };
