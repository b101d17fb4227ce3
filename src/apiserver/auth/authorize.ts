import type { ObjectStore } from '../store/object-store.js';
import type { Attributes } from './attributes.js';
import { authorizeNode } from './node-authorizer.js';
import { findGrant } from './rbac.js';

export interface Decision {
  readonly allowed: boolean;
  /** May be empty, as with kube-apiserver. */
  readonly reason: string;
}

export type Authorizer = (attributes: Attributes) => Decision;

/** `RBAC`: roles and bindings in the store, and the node authorizer for kubelets. */
export type AuthorizationMode = 'AlwaysAllow' | 'RBAC';

const superusers = 'system:masters';

export function createAuthorizer(mode: AuthorizationMode, store: ObjectStore): Authorizer {
  if (mode === 'AlwaysAllow') return () => ({ allowed: true, reason: '' });
  return (attributes) => {
    if (attributes.user.groups.includes(superusers)) return { allowed: true, reason: '' };
    const verdict = attributes.kind === 'resource' ? authorizeNode(store, attributes) : undefined;
    if (verdict?.allowed === true) return { allowed: true, reason: '' };
    const grant = findGrant(store, attributes);
    if (grant !== undefined) return { allowed: true, reason: `RBAC: allowed by ${grant.source}` };
    return { allowed: false, reason: verdict?.reason ?? '' };
  };
}
