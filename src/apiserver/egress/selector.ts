import type { Dialer } from '../../wire/client/dialer.js';

/** What kube-apiserver tells apart among the things that it dials. */
export type EgressName = 'cluster' | 'controlplane' | 'etcd';

/** The way to each of them: kubelets and service endpoints are `cluster`, webhooks given by URL `controlplane`. */
export interface EgressDialers {
  dialer(name: EgressName): Dialer;
}

/** Dialers that were made for a configuration. */
export interface EgressSelector extends EgressDialers {
  /** Ends every connection of every dialer. */
  close(): Promise<void>;
}

/** One way to what is in the cluster, another to all else. */
export function intoCluster(cluster: Dialer, others: Dialer): EgressDialers {
  return { dialer: (name) => (name === 'cluster' ? cluster : others) };
}
