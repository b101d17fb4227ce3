import type { Pod } from '../../kube/pod-objects.js';
import { type ItemChange, WatchList, type WatchListOptions } from '../../kube/watch-list.js';
import { podResource } from './pod-worker.js';

/** APIs send a bookmark about every minute. A watch that is silent for longer was cut on its way. */
export const silentWatchMs = 90_000;

type Listener = (change: ItemChange<Pod>) => void;

/** The pods of all nodes, by one watch: each costs a connection. For nodes that share the credentials of one client. */
export class SharedPods {
  private readonly listeners = new Map<string, Listener>();
  private readonly watch: WatchList<Pod>;

  /** Starts at once. */
  constructor(options: Pick<WatchListOptions<Pod>, 'client' | 'clock' | 'random' | 'failed'>) {
    this.watch = new WatchList<Pod>({
      ...options,
      target: { resource: podResource },
      fieldSelector: 'spec.nodeName!=',
      idleTimeoutMs: silentWatchMs,
      changed: (change) => this.listeners.get(change.object.spec.nodeName)?.(change),
    });
  }

  /** Calls `changed` for each pod of the node, also those that are known already. One listener for each node. */
  follow(node: string, changed: Listener): Pick<WatchList<Pod>, 'synced' | 'close'> {
    this.listeners.set(node, changed);
    for (const object of this.watch.items) {
      if (object.spec.nodeName === node) changed({ type: 'added', object });
    }
    const close = async (): Promise<void> => void this.listeners.delete(node);
    return { synced: this.watch.synced, close };
  }

  close(): Promise<void> {
    return this.watch.close();
  }
}
