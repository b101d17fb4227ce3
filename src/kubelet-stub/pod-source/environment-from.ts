import type { EnvironmentSources } from '../../containers/environment/resolve.js';
import type { KubeClient } from '../../kube/kube-client.js';
import type { KubeObject } from '../../kube/objects.js';
import type { Node, Service } from '../../kube/pod-objects.js';
import { statusOf } from '../../kube/status-error.js';
import type { WatchList } from '../../kube/watch-list.js';

interface WithData extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** The sources of a kubelet with an API. */
export function environmentFrom(
  client: KubeClient,
  services: WatchList<Service>,
  { status }: Node,
): EnvironmentSources {
  return {
    get services() {
      return services.items;
    },
    get pending() {
      return services.hasSynced ? undefined : services.synced;
    },
    allocatable: status.allocatable,
    read: async (kind, namespace, name) => {
      const resource = { group: '', version: 'v1', plural: `${kind.toLowerCase()}s` };
      try {
        const { data = {} } = await client.get<WithData>({ resource, namespace, name });
        if (kind === 'configMap') return data;
        const texts = Object.entries(data).map(([key, value]) => [
          key,
          Buffer.from(value, 'base64').toString(),
        ]);
        return Object.fromEntries(texts) as Record<string, string>;
      } catch (caught) {
        if (statusOf(caught)?.code === 404) return undefined;
        const text = `failed to sync ${kind.toLowerCase()} cache: timed out waiting for the condition`;
        throw new Error(text, { cause: caught });
      }
    },
  };
}
