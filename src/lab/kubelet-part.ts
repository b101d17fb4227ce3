import type { NodeRuntime } from '../containers/runtime.js';
import { createRandom } from '../core/random.js';
import type { KubeClient } from '../kube/kube-client.js';
import type { Node, Pod } from '../kube/pod-objects.js';
import { rfc3339 } from '../kube/time.js';
import { type Kubelet, startKubelet } from '../kubelet-stub/kubelet.js';
import { type PodSource, startPodSource } from '../kubelet-stub/pod-source/pod-source.js';
import { afterLoss } from '../kubelet-stub/pod-source/pod-status.js';
import { sourceInTurn } from '../kubelet-stub/pod-source/source-in-turn.js';
import { kubeletLeaf } from '../pki/certificate-set.js';
import { createRuntime } from './create-runtime.js';
import { type KnownApi, type KubeletApi, kubeletClient, kubeletPair } from './kubelet-api.js';
import { RestartablePart } from './part.js';
import type { LabContext } from './parts.js';
import { joinPodNetwork, type PodNetwork } from './pod-network.js';
import type { NodeSpec } from './topology.js';
import { handshakesOf } from './trust-faults.js';

/** A node's kubelet with its containers. Both end together, as when the node reboots. */
export interface RunningKubelet {
  readonly kubelet: Kubelet;
  readonly runtime: NodeRuntime;
  readonly podNetwork: PodNetwork;
  /** The part that talks to the API. */
  readonly source: Pick<PodSource, 'close'>;
}

export interface KubeletPartOptions {
  readonly spec: NodeSpec;
  readonly node: Node;
  /** The pods that run from the start, before the API is asked. */
  readonly pods: readonly Pod[];
  readonly api: KubeletApi;
}

/** Starts with the given pods at once, and takes all others from the API. A restart keeps its pods. */
export function kubeletPart(
  context: LabContext,
  options: KubeletPartOptions,
): RestartablePart<RunningKubelet> {
  const { clock, emit, network, certificates } = context;
  const { spec, node, api } = options;
  const { certPem: cert, keyPem: key } = kubeletPair(context, spec.name);
  const ca = certificates.ca.certPem;
  const random = createRandom(context.random.below(2 ** 32));
  const { now } = context;
  let { pods } = options;
  return new RestartablePart<RunningKubelet>({
    name: `kubelet/${spec.name}`,
    emit,
    start: async () => {
      const runtime = await createRuntime(context.runtime, { ...context, nodeName: spec.name, pods });
      const tls = { cert, key, clientCa: ca };
      const config = context.kubelet;
      // Most kubelets of a large lab are never dialled.
      const faults = context.links.faults.points(`kubelet/${spec.name}`);
      const handshakes = handshakesOf(context, {
        part: `kubelet/${spec.name}`,
        leaf: kubeletLeaf(spec.name),
      });
      const own = { nodeName: spec.name, tls, lazyTls: true, faults, handshakes };
      const kubelet = await startKubelet({ ...own, runtime, config, clock, emit });
      network.register(spec.ip, spec.kubeletPort, kubelet.address);
      const begin = ({ url, services }: KnownApi): PodSource => {
        const client = kubeletClient(context, spec.name, url);
        return withClient(
          client,
          startPodSource({ client, runtime, node, services, clock, random, emit, now }),
        );
      };
      const podNetwork = joinPodNetwork(network, runtime);
      return { kubelet, runtime, podNetwork, source: sourceInTurn((turn) => api.join(turn), begin) };
    },
    stop: async ({ kubelet, runtime, podNetwork, source }) => {
      await source.close();
      podNetwork.close();
      pods = runtime
        .listPods()
        .map((pod) => ({ ...pod, status: { ...pod.status, ...afterLoss(pod, rfc3339(now())) } }));
      // The address stays registered: a node whose kubelet is down refuses connections and stays reachable.
      await kubelet.close();
      await runtime.close();
    },
  });
}

function withClient(client: KubeClient, source: PodSource): PodSource {
  return {
    ready: source.ready,
    close: async () => {
      await source.close();
      await client.close();
    },
  };
}
