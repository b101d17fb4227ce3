import { TunnelError } from '../core/errors.js';
import { pause } from '../core/pause.js';
import { isLeaseValid, type Lease, leases } from '../kube/lease.js';
import { statusOf } from '../kube/status-error.js';
import type { ServerMetrics } from '../observe/server-metrics.js';
import { type LeasePartOptions, leaseName } from './lease-keeper.js';
import { labelText, leaseDefaults } from './lease-options.js';

export interface LeaseCollectorOptions extends LeasePartOptions {
  readonly metrics: ServerMetrics;
}

/** Removes the leases of servers that died. Every server does this for all. */
export class LeaseCollector {
  private readonly options: LeaseCollectorOptions;

  constructor(options: LeaseCollectorOptions) {
    this.options = options;
  }

  /** Resolves when `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { collectIntervalMs = leaseDefaults.collectIntervalMs } = this.options.lease;
    while (!signal.aborted) {
      await this.collect(signal);
      await pause(this.options.clock, collectIntervalMs, signal);
    }
  }

  private get timeoutMs(): number {
    return this.options.lease.callTimeoutMs ?? leaseDefaults.callTimeoutMs;
  }

  private async collect(signal: AbortSignal): Promise<void> {
    const { serverId, lease: own } = this.options;
    const { wallTimeMs = Date.now } = own;
    for (const lease of await this.list(signal)) {
      if (signal.aborted) return;
      // The server's own lease is only late: its keeper renews it soon.
      if (lease.metadata.name === leaseName(serverId)) continue;
      if (!isLeaseValid(lease, wallTimeMs())) await this.remove(lease, signal);
    }
  }

  private async list(signal: AbortSignal): Promise<readonly Lease[]> {
    const { lease, metrics } = this.options;
    const { client, namespace, labels } = lease;
    const startedAt = this.options.clock.now();
    const tell = (code: string, reason: string): void => {
      metrics.leaseList(code, reason);
      metrics.leaseListLatency(code).observe(this.secondsSince(startedAt));
    };
    try {
      const call = { labelSelector: labelText(labels), signal, timeoutMs: this.timeoutMs };
      const { items } = await client.listAll<Lease>({ resource: leases, namespace }, call);
      tell('200', '');
      return items;
    } catch (caught) {
      const status = statusOf(caught);
      if (status !== undefined) tell(String(status.code), status.reason);
      this.failed('Could not list leases to garbage collect', caught, signal);
      return [];
    }
  }

  private async remove({ metadata }: Lease, signal: AbortSignal): Promise<void> {
    const { lease, metrics, emit, node } = this.options;
    const { name, resourceVersion } = metadata;
    const startedAt = this.options.clock.now();
    const tell = (code: string, reason: string): void => {
      metrics.leaseDelete(code, reason);
      metrics.leaseDeleteLatency(code).observe(this.secondsSince(startedAt));
    };
    // A newer version of the lease may have been renewed.
    const unchanged = resourceVersion === undefined ? {} : { resourceVersion };
    const target = { resource: leases, namespace: lease.namespace, name };
    try {
      await lease.client.delete(target, { ...unchanged, signal, timeoutMs: this.timeoutMs });
      tell('200', '');
      metrics.leaseCulled();
      emit({ kind: 'lease.collected', node, lease: name });
    } catch (caught) {
      const status = statusOf(caught);
      if (status !== undefined) tell(String(status.code), status.reason);
      if (status?.code !== 404) this.failed(`Could not delete lease ${name}`, caught, signal);
    }
  }

  private failed(text: string, caught: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    const { code, message: error } = TunnelError.from(caught, 'API_UNREACHABLE');
    this.options.emit({ kind: 'lease.failed', node: this.options.node, text, code, error });
  }

  private secondsSince(startedAt: number): number {
    return (this.options.clock.now() - startedAt) / 1000;
  }
}
