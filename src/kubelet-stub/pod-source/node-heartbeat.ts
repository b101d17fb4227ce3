import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import type { KubeClient } from '../../kube/kube-client.js';
import { type Lease, leases } from '../../kube/lease.js';
import type { Node } from '../../kube/pod-objects.js';
import { statusOf } from '../../kube/status-error.js';
import { microTime, rfc3339 } from '../../kube/time.js';
import { wait } from './pod-worker.js';

export interface NodeHeartbeatOptions {
  readonly client: KubeClient;
  /** The node to register; times and conditions are filled in. */
  readonly node: Node;
  readonly clock: Clock;
  /** Wall time in epoch milliseconds. */
  readonly now: () => number;
  readonly failed: (what: string, error: TunnelError) => void;
  readonly signal: AbortSignal;
}

const nodeResource = { group: '', version: 'v1', plural: 'nodes' } as const;
const leaseNamespace = 'kube-node-lease';
/** The kubelet's defaults: a lease of 40 s, renewed every quarter of that; the status at least every 5 min. */
const leaseSeconds = 40;
const renewMs = (leaseSeconds * 1000) / 4;
const statusMs = 300_000;

/** Registers the node, then keeps its lease and its Ready condition fresh until the signal aborts. */
export class NodeHeartbeat {
  /** Resolves when the API has the node and a valid lease. Never rejects; stays pending when closed before. */
  readonly registered: Promise<void>;
  readonly ended: Promise<void>;
  private readonly options: NodeHeartbeatOptions;
  private readonly transitionTime: string;
  private tellRegistered: () => void = () => undefined;
  private statusDueMs = 0;
  private renewedAtMs = 0;
  /** The UID that the API gave to the node. */
  private uid: string | undefined;
  /** The lease as the API has it, unless another party changes it. */
  private lease: Lease | undefined;

  constructor(options: NodeHeartbeatOptions) {
    this.options = options;
    this.transitionTime = rfc3339(options.now());
    this.registered = new Promise((resolve) => {
      this.tellRegistered = resolve;
    });
    this.ended = this.run();
  }

  private async run(): Promise<void> {
    const { signal, clock, failed, node } = this.options;
    let known = false;
    while (!signal.aborted) {
      try {
        if (!known) await this.register();
        known = true;
        // The lease first: without it the API would not treat the node as ready.
        await this.renewLease();
        if (clock.now() >= this.statusDueMs) await this.tellStatus();
        this.tellRegistered();
        await wait(clock, renewMs, signal);
      } catch (caught) {
        if (signal.aborted) return;
        // In the meantime the node may have been marked as lost.
        this.statusDueMs = 0;
        // If the node was deleted, it registers again.
        if (statusOf(caught)?.code === 404) known = false;
        failed(`node ${node.metadata.name}`, TunnelError.from(caught, 'API_UNREACHABLE'));
        await wait(clock, 1000, signal);
      }
    }
  }

  private async register(): Promise<void> {
    const { client, node, signal } = this.options;
    const { name, labels = {}, annotations = {} } = node.metadata;
    const created = { ...node, metadata: { name, labels, annotations }, status: this.status() };
    try {
      this.uid = (await client.create<Node>({ resource: nodeResource }, created, { signal })).metadata.uid;
    } catch (caught) {
      if (statusOf(caught)?.reason !== 'AlreadyExists') throw caught;
      const target = { resource: nodeResource, name };
      this.uid = (await client.get<Node>(target, { signal })).metadata.uid;
    }
    this.statusDueMs = 0;
  }

  private async tellStatus(): Promise<void> {
    const { client, node, clock, signal } = this.options;
    const target = { resource: nodeResource, name: node.metadata.name, subresource: 'status' };
    await client.patch(target, { status: this.status() }, { type: 'strategic-merge', signal });
    this.statusDueMs = clock.now() + statusMs;
  }

  private status(): Node['status'] {
    const { node, now } = this.options;
    const times = { lastHeartbeatTime: rfc3339(now()), lastTransitionTime: this.transitionTime };
    const ready = { reason: 'KubeletReady', message: 'kubelet is posting ready status' };
    return { ...node.status, conditions: [{ type: 'Ready', status: 'True', ...ready, ...times }] };
  }

  private async renewLease(): Promise<void> {
    const { client, node, clock, now, signal } = this.options;
    if (clock.now() - this.renewedAtMs > leaseSeconds * 1000) this.statusDueMs = 0;
    this.renewedAtMs = clock.now();
    const { name } = node.metadata;
    const target = { resource: leases, namespace: leaseNamespace, name };
    const spec = { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime: microTime(now()) };
    const { lease: known } = this;
    this.lease = undefined;
    try {
      const lease = known ?? (await client.get<Lease>(target, { signal }));
      this.lease = await client.update(target, { ...lease, spec: { ...lease.spec, ...spec } }, { signal });
    } catch (caught) {
      const status = statusOf(caught);
      // Another party has changed or deleted it.
      if (status !== undefined && known !== undefined) return this.renewLease();
      if (status?.code !== 404) throw caught;
      // Maybe the node was deleted, too: its status tells.
      this.statusDueMs = 0;
      const { uid } = this;
      const owner = { apiVersion: 'v1', kind: 'Node', name, uid };
      const metadata = {
        name,
        namespace: leaseNamespace,
        // With another UID than the node's, the garbage collector would delete it.
        ...(uid === undefined ? {} : { ownerReferences: [owner] }),
      };
      const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
      this.lease = await client.create<Lease>({ resource: leases, namespace: leaseNamespace }, lease, {
        signal,
      });
    }
  }
}
