import { randomInt } from 'node:crypto';
import { createRealClock } from '../core/clock.js';
import { ignoreEvents } from '../core/events.js';
import { createRandom } from '../core/random.js';
import { KubeClient } from '../kube/kube-client.js';
import { readKubeconfig } from '../kube/kubeconfig.js';
import type { Pod } from '../kube/pod-objects.js';
import { ClusterClient, type PodPlace, type PodTarget, parseTarget } from '../lab/cluster-client.js';
import { readText } from '../pki/read-files.js';
import { TunnelClient } from '../wire/client/tunnel-client.js';
import { type LabAddresses, LabFiles } from './lab-files.js';

/** A client of a lab that runs in another process. */
export interface RemoteLab {
  readonly cluster: ClusterClient;
  close(): Promise<void>;
}

/**
 * Reads the lab's folder and prepares the connection to a pod, through proxy-server, tunnel and kubelet. It dials
 * nothing yet, but asks the API about a pod that did not exist at the start.
 */
export async function connectToLab(folder: string, target: PodTarget): Promise<RemoteLab> {
  const addresses = await new LabFiles(folder).read();
  const pods = await withTarget(addresses, target);
  const [ca, cert, key] = await Promise.all(
    [addresses.tls.ca, addresses.tls.cert, addresses.tls.key].map(readText),
  );
  const clock = createRealClock();
  const common = { clock, emit: ignoreEvents, name: 'client/konnsim' };
  const random = createRandom(randomInt(2 ** 32));
  const tunnel = new TunnelClient({
    ...common,
    random,
    address: addresses.frontend,
    serverName: 'server/server-1',
  });
  const cluster = new ClusterClient({
    ...common,
    dialer: tunnel,
    kubeletTls: { ca: ca ?? '', cert: cert ?? '', key: key ?? '' },
    nodes: () => addresses.nodes,
    pods: () => pods,
  });
  return {
    cluster,
    close: async () => {
      await cluster.close();
      await tunnel.close();
    },
  };
}

async function withTarget(
  { pods, kubeconfig }: LabAddresses,
  target: PodTarget,
): Promise<readonly PodPlace[]> {
  const { namespace, pod: name } = parseTarget(target);
  if (pods.some((pod) => pod.namespace === namespace && pod.name === name)) return pods;
  const clock = createRealClock();
  const client = new KubeClient({
    access: await readKubeconfig(kubeconfig, { clock }),
    clock,
    timeoutMs: 5000,
  });
  try {
    const resource = { group: '', version: 'v1', plural: 'pods' };
    const { spec } = await client.get<Pod>({ resource, namespace, name });
    if ((spec.nodeName ?? '') === '') return pods;
    const containers = [...spec.containers, ...(spec.ephemeralContainers ?? [])].map((each) => each.name);
    return [...pods, { namespace, name, node: spec.nodeName, containers }];
  } catch {
    // Without an answer of the API the pod stays unknown, and the request reports that.
    return pods;
  } finally {
    await client.close();
  }
}
