import { coreResource } from '../apiserver/resources/catalogue.js';
import type { LocalStore } from '../apiserver/store/object-store.js';
import { joinHostPort } from '../core/address.js';
import type { Pod } from '../kube/pod-objects.js';
import type { Edge } from '../links/edge.js';
import type { LabParts } from './lab-insides.js';
import { kubernetesServiceIp } from './replicas-service.js';
import type { Topology } from './topology.js';

/** Makes the names of what agents dial. */
export function createNames(
  { nodes }: Topology,
  store: LocalStore,
): (target: { readonly host: string; readonly port: number }) => string {
  const kubelets = new Map(nodes.map(({ ip, kubeletPort, name }) => [joinHostPort(ip, kubeletPort), name]));
  return ({ host, port }) => {
    const address = joinHostPort(host, port);
    const node = kubelets.get(address);
    if (node !== undefined) return `kubelet/${node}`;
    if (host === kubernetesServiceIp) return 'service/kubernetes';
    const pod = podsOf(store).find(({ status }) => status?.podIP === host);
    return pod === undefined ? `endpoint/${address}` : podName(pod);
  };
}

/** The links of a lab. Others come into being with a dial: to endpoints outside it, and to webhooks. */
export function* labEdges(
  { servers, agents, apiservers, kubelets }: LabParts,
  store: LocalStore,
): Iterable<Edge> {
  for (const { name: to } of apiservers.parts) {
    yield { from: 'client/any', to };
    if (!apiservers.isLone) yield { from: 'kubelet/any', to };
  }
  const frontends = [...apiservers.parts.map(({ name }) => name), 'client/lab'];
  for (const from of frontends) for (const to of servers.names) yield { from, to };
  for (const { name: from } of agents) {
    for (const to of servers.names) yield { from, to };
    for (const { name: to } of kubelets) yield { from, to };
    for (const pod of podsOf(store)) yield { from, to: podName(pod) };
  }
}

const podsOf = (store: LocalStore): readonly Pod[] => store.list(coreResource('pods')) as readonly Pod[];

const podName = ({ metadata: { namespace, name } }: Pod): string => `pod/${namespace}/${name}`;
