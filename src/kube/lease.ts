import type { KubeObject, ResourceKind } from './objects.js';

export const leases: ResourceKind = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' };

/** `coordination.k8s.io/v1` `Lease`. Times are RFC 3339 with microseconds. */
export interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
  };
}

/** Whether a lease is valid: it was renewed (or acquired, when never renewed) less than its duration ago. */
export function isLeaseValid({ spec = {} }: Lease, wallTimeMs: number): boolean {
  const { renewTime, acquireTime, leaseDurationSeconds = 0 } = spec;
  const renewedMs = Date.parse(renewTime ?? acquireTime ?? '');
  return renewedMs + leaseDurationSeconds * 1000 > wallTimeMs;
}
