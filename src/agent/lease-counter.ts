import type { Clock } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import type { Random } from '../core/random.js';
import type { KubeClient } from '../kube/kube-client.js';
import { isLeaseValid, type Lease, leases } from '../kube/lease.js';
import { WatchList, type WatchListCall } from '../kube/watch-list.js';
import type { AgentMetrics } from '../observe/agent-metrics.js';

export interface LeaseCountOptions {
  /** A client of the API that holds the leases. The caller closes it. */
  readonly client: KubeClient;
  readonly namespace: string;
  readonly labelSelector: string;
  /** Returns epoch milliseconds, for the times in leases. Default: the system's time. */
  readonly wallTimeMs?: () => number;
}

export interface LeaseCounterOptions {
  /** `agent/node-1`. */
  readonly node: string;
  readonly leases: LeaseCountOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  readonly metrics: AgentMetrics;
}

/** Servers renew every 15 s. When a watch is silent for three times as long, it or all servers are dead. */
const idleTimeoutMs = 45_000;

/** Counts the leases that have not expired. */
export class LeaseCounter {
  private readonly watched: WatchList<Lease>;
  private readonly wallTimeMs: () => number;

  /** Starts to watch at once. */
  constructor({ node, leases: counted, clock, random, emit, metrics }: LeaseCounterOptions) {
    const { client, namespace, labelSelector, wallTimeMs = Date.now } = counted;
    this.wallTimeMs = wallTimeMs;
    this.watched = new WatchList<Lease>({
      client,
      labelSelector,
      clock,
      random,
      idleTimeoutMs,
      target: { resource: leases, namespace },
      failed: ({ code, message: error }) => emit({ kind: 'lease.failed', node, code, error }),
      called: (call) => count(metrics, call),
    });
  }

  /** The number of servers, by the leases as last seen; at least 1, as in Konnectivity. */
  count(): number {
    const now = this.wallTimeMs();
    const valid = this.watched.items.filter((lease) => isLeaseValid(lease, now));
    return Math.max(1, valid.length);
  }

  close(): Promise<void> {
    return this.watched.close();
  }
}

/** Only calls with an answer count, as in Konnectivity. */
function count(metrics: AgentMetrics, { verb, code, reason, tookMs }: WatchListCall): void {
  if (code === undefined) return;
  if (verb === 'watch') {
    metrics.leaseWatch(String(code), reason);
    return;
  }
  metrics.leaseList(String(code), reason);
  metrics.leaseListLatency(String(code)).observe(tookMs / 1000);
}
