import type { KubeClient } from '../kube/kube-client.js';

/** The lease by which a server is counted. */
export interface LeaseOptions {
  /** Of the API that keeps the leases; the caller closes it. */
  readonly client: KubeClient;
  readonly namespace: string;
  /** Of the lease; expired leases with all of them are removed, whosever they are. */
  readonly labels: Readonly<Record<string, string>>;
  /** How long the lease stands without being renewed, s. Default 30. */
  readonly durationSeconds?: number;
  /** Default 15 s. */
  readonly renewIntervalMs?: number;
  /** How often expired leases are looked for. Default 15 s. */
  readonly collectIntervalMs?: number;
  /** How long one call to the API may take. Default 7 s: what is late must not make the next renewal late. */
  readonly callTimeoutMs?: number;
  /** Epoch milliseconds, for the times in leases; default the system's. */
  readonly wallTimeMs?: () => number;
}

/** Konnectivity's. */
export const leaseDefaults = {
  durationSeconds: 30,
  renewIntervalMs: 15_000,
  collectIntervalMs: 15_000,
  callTimeoutMs: 7000,
} as const;

/** As `--lease-label` writes them, and as a selector. */
export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(',');
}
