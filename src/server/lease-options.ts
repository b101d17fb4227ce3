import type { KubeClient } from '../kube/kube-client.js';

/** The lease that makes agents count a server. */
export interface LeaseOptions {
  /** A client of the API that holds the leases. The caller closes it. */
  readonly client: KubeClient;
  readonly namespace: string;
  /** The labels of the lease. Expired leases with the same labels are removed, also those of other servers. */
  readonly labels: Readonly<Record<string, string>>;
  /** How long the lease is valid after a renewal, s. Default 30. */
  readonly durationSeconds?: number;
  /** How often the lease is renewed, ms. Default 15 s. */
  readonly renewIntervalMs?: number;
  /** How often expired leases are searched for, ms. Default 15 s. */
  readonly collectIntervalMs?: number;
  /** How long one call to the API may take, ms. Default 7 s, so that a slow call does not delay the next renewal. */
  readonly callTimeoutMs?: number;
  /** Returns epoch milliseconds, for the times in leases. Default: the system's time. */
  readonly wallTimeMs?: () => number;
}

/** Konnectivity's defaults. */
export const leaseDefaults = {
  durationSeconds: 30,
  renewIntervalMs: 15_000,
  collectIntervalMs: 15_000,
  callTimeoutMs: 7000,
} as const;

/** Labels as `--lease-label` takes them, and as a selector. */
export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(',');
}
