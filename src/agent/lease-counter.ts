import type { Clock } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import type { Random } from '../core/random.js';
import type { KubeClient } from '../kube/kube-client.js';
import { isLeaseValid, type Lease, leases } from '../kube/lease.js';
import { WatchList, type WatchListCall } from '../kube/watch-list.js';
import type { AgentMetrics } from '../observe/agent-metrics.js';

/** Whose leases are counted. */
export interface LeaseCountOptions {
  /** Of the API that keeps the leases; the caller closes it. */
  readonly client: KubeClient;
  readonly namespace: string;
  readonly labelSelector: string;
  /** Epoch milliseconds, for the times in leases; default the system's. */
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

/** Living servers renew every 15 s: a watch that is silent for three times as long is dead, or they all are. */
const idleTimeoutMs = 45_000;

/** Counts the leases that stand. */
export class LeaseCounter {
  private readonly watched: WatchList<Lease>;
  private readonly wallTimeMs: () => number;

  /** Begins to watch at once. */
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

  /** The servers, by the last that was heard of their leases; at least 1, as in Konnectivity. */
  count(): number {
    const now = this.wallTimeMs();
    const valid = this.watched.items.filter((lease) => isLeaseValid(lease, now));
    return Math.max(1, valid.length);
  }

  close(): Promise<void> {
    return this.watched.close();
  }
}

/** Only answers count, as in Konnectivity. */
function count(metrics: AgentMetrics, { verb, code, reason, tookMs }: WatchListCall): void {
  if (code === undefined) return;
  if (verb === 'watch') {
    metrics.leaseWatch(String(code), reason);
    return;
  }
  metrics.leaseList(String(code), reason);
  metrics.leaseListLatency(String(code)).observe(tookMs / 1000);
}
