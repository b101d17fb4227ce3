import type { TunnelError } from '../../core/errors.js';
import { KubeClient } from '../../kube/kube-client.js';
import { readKubeconfig } from '../../kube/kubeconfig.js';
import type { Service } from '../../kube/pod-objects.js';
import type { WatchList } from '../../kube/watch-list.js';
import { watchServices } from '../../kubelet-stub/pod-source/pod-source.js';
import { SharedPods } from '../../kubelet-stub/pod-source/shared-pods.js';
import { sayDirect } from '../direct-dial.js';
import type { RoleContext, Started } from '../role.js';

/** The API of all nodes of a process: one client, one watch of pods, one of services. */
export interface NodeApi {
  readonly client: KubeClient;
  readonly pods: SharedPods;
  readonly services: WatchList<Service>;
}

/** Connections to the API for all nodes together. They bound the rate, so that no other limit is needed. */
const connections = 32;
const noLimit = { qps: -1, burst: 0 } as const;

/** Starts the watches. The API need not answer yet. Rejects with the errors of `readKubeconfig`. */
export async function openNodeApi(
  kubeconfig: string,
  context: RoleContext,
  { node, started }: { readonly node: string; readonly started: Started },
): Promise<NodeApi> {
  const { clock, random, emit } = context;
  const access = await readKubeconfig(kubeconfig, context);
  sayDirect('the Kubernetes API', access.server.hostname, Number(access.server.port || 443));
  const client = new KubeClient({ access, clock, limit: noLimit, connections });
  started(() => client.close());
  const failed =
    (path: string) =>
    ({ message: error }: TunnelError): void =>
      emit({ kind: 'request.failed', node, verb: 'api', path, error });
  const pods = new SharedPods({ client, clock, random, failed: failed('pods') });
  started(() => pods.close());
  const services = watchServices({ client, clock, random, failed: failed('services') });
  started(() => services.close());
  return { client, pods, services };
}
