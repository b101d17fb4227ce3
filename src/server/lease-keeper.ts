import type { Clock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import type { EventSink } from '../core/events.js';
import { pause } from '../core/pause.js';
import type { Random } from '../core/random.js';
import { type Lease, leases } from '../kube/lease.js';
import { statusOf } from '../kube/status-error.js';
import { microTime } from '../kube/time.js';
import { type LeaseOptions, leaseDefaults } from './lease-options.js';

export interface LeasePartOptions {
  /** `server/server-1`. */
  readonly node: string;
  readonly serverId: string;
  readonly lease: LeaseOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
}

/** The name of a server's lease, as in Konnectivity. */
export function leaseName(serverId: string): string {
  return `konnectivity-proxy-server-${serverId}`;
}

/** How many times a renewal is tried without a pause. */
const maxAttempts = 5;
const firstPauseMs = 200;
const maxPauseMs = 7000;
/** Random part of the interval, so that servers which started together do not renew together. */
const jitter = 0.04;

/** Creates a server's lease, and renews it until it is closed. */
export class LeaseKeeper {
  readonly name: string;
  private readonly options: LeasePartOptions;
  /** The lease as the API returned it last. It is renewed without reading it first. */
  private latest: Lease | undefined;
  private held = false;

  constructor(options: LeasePartOptions) {
    this.options = options;
    this.name = leaseName(options.serverId);
  }

  /** Resolves when `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, lease } = this.options;
    const { renewIntervalMs = leaseDefaults.renewIntervalMs } = lease;
    while (!signal.aborted) {
      await this.sync(signal);
      await pause(clock, renewIntervalMs * (1 + jitter * random.next()), signal);
    }
  }

  /** Removes the lease, so that agents do not count this server any more. Never rejects. */
  async release(): Promise<void> {
    const { emit, node, lease } = this.options;
    try {
      await lease.client.delete(this.target, this.call);
      emit({ kind: 'lease.released', node, lease: this.name });
    } catch (caught) {
      if (statusOf(caught)?.code !== 404) this.failed(`Could not clean up lease "${this.name}"`, caught);
    }
  }

  private get call() {
    return { timeoutMs: this.options.lease.callTimeoutMs ?? leaseDefaults.callTimeoutMs };
  }

  private get target() {
    return { resource: leases, namespace: this.options.lease.namespace, name: this.name };
  }

  private async sync(signal: AbortSignal): Promise<void> {
    if (this.latest !== undefined && (await this.renew(this.latest, signal))) return;
    const found = await this.ensure(signal);
    if (found === undefined) return;
    this.latest = found.lease;
    if (!found.created) await this.renew(found.lease, signal);
  }

  /** Gets or creates the lease, and tries until that succeeds. Undefined when `signal` was aborted. */
  private async ensure(signal: AbortSignal): Promise<{ lease: Lease; created: boolean } | undefined> {
    for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(2 * pauseMs, maxPauseMs)) {
      try {
        return await this.getOrCreate(signal);
      } catch (caught) {
        if (signal.aborted) return undefined;
        this.failed('Failed to ensure lease exists', caught);
        await pause(this.options.clock, pauseMs, signal);
      }
    }
    return undefined;
  }

  private async getOrCreate(signal: AbortSignal): Promise<{ lease: Lease; created: boolean }> {
    const { client, namespace } = this.options.lease;
    const call = { ...this.call, signal };
    try {
      return { lease: await client.get<Lease>(this.target, call), created: false };
    } catch (caught) {
      if (statusOf(caught)?.code !== 404) throw caught;
    }
    const lease = await client.create<Lease>({ resource: leases, namespace }, this.fresh(), call);
    this.acquired();
    return { lease, created: true };
  }

  /** Returns true when the API has accepted it. */
  private async renew(base: Lease, signal: AbortSignal): Promise<boolean> {
    const { client } = this.options.lease;
    let current = base;
    for (let attempt = 0; attempt < maxAttempts && !signal.aborted; attempt += 1) {
      try {
        const renewed = this.renewed(current);
        const call = { ...this.call, signal };
        this.latest = await client.update<Lease>(this.target, renewed, call);
        this.acquired();
        return true;
      } catch (caught) {
        if (signal.aborted) return false;
        this.failed('Failed to update lease', caught);
        const status = statusOf(caught);
        if (status?.code === 404) return false;
        if (status?.reason === 'Conflict') current = (await this.ensure(signal))?.lease ?? current;
      }
    }
    return false;
  }

  private fresh(): Lease {
    const { namespace } = this.options.lease;
    const base = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: this.name, namespace },
      spec: { holderIdentity: this.options.serverId },
    };
    return this.renewed(base);
  }

  private renewed(base: Lease): Lease {
    const {
      durationSeconds = leaseDefaults.durationSeconds,
      labels,
      wallTimeMs = Date.now,
    } = this.options.lease;
    return {
      ...base,
      metadata: { ...base.metadata, labels },
      spec: { ...base.spec, leaseDurationSeconds: durationSeconds, renewTime: microTime(wallTimeMs()) },
    };
  }

  private acquired(): void {
    if (this.held) return;
    this.held = true;
    this.options.emit({ kind: 'lease.acquired', node: this.options.node, lease: this.name });
  }

  private failed(text: string, caught: unknown): void {
    this.held = false;
    const { code, message: error } = TunnelError.from(caught, 'API_UNREACHABLE');
    const { emit, node } = this.options;
    emit({ kind: 'lease.failed', node, lease: this.name, text, code, error });
  }
}
