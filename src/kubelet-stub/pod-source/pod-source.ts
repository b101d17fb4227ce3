import { setMaxListeners } from 'node:events';
import type { NodeRuntime } from '../../containers/runtime.js';
import type { Clock } from '../../core/clock.js';
import type { TunnelError } from '../../core/errors.js';
import type { EventSink } from '../../core/events.js';
import type { Random } from '../../core/random.js';
import type { KubeClient } from '../../kube/kube-client.js';
import type { Node, Pod, Service } from '../../kube/pod-objects.js';
import { type ItemChange, WatchList, type WatchListOptions } from '../../kube/watch-list.js';
import { environmentFrom } from './environment-from.js';
import { EventRecorder } from './event-recorder.js';
import { NodeHeartbeat } from './node-heartbeat.js';
import { PodAddresses } from './pod-addresses.js';
import { PodWorker, type PodWorkerContext, podResource } from './pod-worker.js';
import { type SharedPods, silentWatchMs } from './shared-pods.js';

export interface PodSourceOptions {
  /** Uses the node's own credentials. The caller owns it. */
  readonly client: KubeClient;
  /** Where the pods of the node run. The caller owns it. */
  readonly runtime: NodeRuntime;
  /** The node to register; its pods get their addresses from `spec.podCIDR`. */
  readonly node: Node;
  /** The pods of several nodes, of which those of this one are taken. The caller owns it. Default: a watch of its own. */
  readonly pods?: SharedPods;
  /** The services, for environments. The caller owns it. Default: a watch of its own. */
  readonly services?: WatchList<Service>;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  /** Wall time in epoch milliseconds. */
  readonly now: () => number;
}

export interface PodSource {
  /** Resolves when the node is registered and its pods are listed. */
  readonly ready: Promise<void>;
  /** Ends all requests. Containers keep running: the runtime ends them. */
  close(): Promise<void>;
}

/** The kubelet's defaults of `kubeAPIQPS` and `kubeAPIBurst`. */
export const kubeletRateLimit = { qps: 50, burst: 100 } as const;
const defaultPodCidr = '10.244.0.0/24';

/**
 * Connects a kubelet to an API: registers its node, renews the lease, runs the pods that are bound to the node, and
 * reports their status. Pods that the runtime already has continue if the API knows them, and end if it does not. What
 * fails is tried again, and reported as `request.failed`.
 */
export function startPodSource(options: PodSourceOptions): PodSource {
  return new Source(options);
}

/** The services of all namespaces, as kubelets need them. */
export function watchServices(
  options: Pick<WatchListOptions<Service>, 'client' | 'clock' | 'random' | 'failed'>,
): WatchList<Service> {
  const target = { resource: { group: '', version: 'v1', plural: 'services' } };
  return new WatchList({ ...options, target, idleTimeoutMs: silentWatchMs });
}

class Source implements PodSource {
  readonly ready: Promise<void>;
  private readonly closing = new AbortController();
  private readonly workers = new Map<string, PodWorker>();
  private readonly context: PodWorkerContext;
  private readonly heartbeat: NodeHeartbeat;
  private readonly pods: Pick<WatchList<Pod>, 'synced' | 'close'>;
  private readonly recorder: EventRecorder;
  private readonly ownServices: WatchList<Service> | undefined;
  private readonly forget: () => void;

  constructor({ client, runtime, node, pods, services, clock, random, emit, now }: PodSourceOptions) {
    const { signal } = this.closing;
    setMaxListeners(0, signal);
    const failed = (what: string, error: TunnelError): void => {
      emit({
        kind: 'request.failed',
        node: `kubelet/${node.metadata.name}`,
        verb: 'api',
        path: what,
        error: error.message,
      });
    };
    const addresses = new PodAddresses(node.spec.podCIDR ?? defaultPodCidr);
    const hostIP = node.status.addresses.find(({ type }) => type === 'InternalIP')?.address ?? '';
    const { kubeletVersion: version = '' } = node.status.nodeInfo;
    const { name: nodeName } = node.metadata;
    this.recorder = new EventRecorder({ client, nodeName, version, clock, now, failed, signal });
    const { recorder } = this;
    this.context = { client, runtime, addresses, hostIP, recorder, clock, now, failed, signal };
    this.heartbeat = new NodeHeartbeat({ client, node, clock, now, failed, signal });
    const changed = (change: ItemChange<Pod>): void => this.changed(change);
    this.pods =
      pods?.follow(nodeName, changed) ??
      new WatchList<Pod>({
        client,
        clock,
        random,
        target: { resource: podResource },
        fieldSelector: `spec.nodeName=${nodeName}`,
        idleTimeoutMs: silentWatchMs,
        changed,
        failed: (error) => failed('pods', error),
      });
    const known =
      services ?? watchServices({ client, clock, random, failed: (error) => failed('services', error) });
    this.ownServices = services === undefined ? known : undefined;
    runtime.useSources(environmentFrom(client, known, node));
    const forgetNews = runtime.onNews((pod, news) => recorder.recordNews(pod, news));
    const forgetChanges = runtime.onChange(({ namespace, name }) =>
      this.workers.get(`${namespace}/${name}`)?.wake(),
    );
    this.forget = () => {
      forgetNews();
      forgetChanges();
    };
    const listed = this.pods.synced.then(() => this.endUnknown());
    this.ready = Promise.all([this.heartbeat.registered, listed]).then(() => undefined);
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.forget();
    await Promise.all([this.pods.close(), this.ownServices?.close()]);
    await Promise.all([this.heartbeat.ended, this.recorder.ended]);
    await Promise.all([...this.workers.values()].map((worker) => worker.settled()));
  }

  /** Ends the pods that ran before the first list and that the API does not know. */
  private endUnknown(): void {
    for (const pod of this.context.runtime.listPods()) {
      const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
      if (this.workers.has(key) || this.closing.signal.aborted) continue;
      const worker = new PodWorker(this.context);
      this.workers.set(key, worker);
      worker.end(pod);
    }
  }

  private changed({ type, object }: ItemChange<Pod>): void {
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    const known = this.workers.get(key);
    if (type === 'deleted') {
      known?.want(undefined);
      // Finished workers are dropped here, so that names do not pile up.
      for (const [name, worker] of this.workers) if (worker.isIdle) this.workers.delete(name);
      return;
    }
    const worker = known ?? new PodWorker(this.context);
    this.workers.set(key, worker);
    const address = (object.status as Pod['status'] | undefined)?.podIP;
    if (address !== undefined && address !== '') this.context.addresses.claim(object.metadata.uid, address);
    worker.want(object);
  }
}
