import type { Dialer } from '../../wire/client/dialer.js';

/** The kinds of destinations that kube-apiserver distinguishes. */
export type EgressName = 'cluster' | 'controlplane' | 'etcd';

/** The dialer for each: kubelets and service endpoints are `cluster`, webhooks given by URL `controlplane`. */
export interface EgressDialers {
  dialer(name: EgressName): Dialer;
}

export interface EgressSelector extends EgressDialers {
  close(): Promise<void>;
}

/** One dialer for the cluster, another for everything else. */
export function intoCluster(cluster: Dialer, others: Dialer): EgressDialers {
  return { dialer: (name) => (name === 'cluster' ? cluster : others) };
}
