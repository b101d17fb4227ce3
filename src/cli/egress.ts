import type { ClosableDialer, EgressContext } from '../apiserver/egress/context.js';
import { createDirectDialer } from '../apiserver/egress/direct-dialer.js';
import { GrpcDialer } from '../apiserver/egress/grpc-dialer.js';
import { loadEgressSelector } from '../apiserver/egress/load.js';
import { type EgressSelector, intoCluster } from '../apiserver/egress/selector.js';
import { TunnelError } from '../core/errors.js';
import type { RoleContext, UseTls } from './role.js';

export interface EgressFlags {
  readonly udsName?: string;
  readonly proxyServer?: string;
  readonly egressSelectorConfigFile?: string;
}

/** The ways from the API façade to kubelets, by one of three flags. Rejects with USAGE for none or several. */
export async function createEgress(
  { udsName, proxyServer, egressSelectorConfigFile: file }: EgressFlags,
  context: RoleContext & Pick<EgressContext, 'faithful' | 'flowControl'>,
  useTls: UseTls,
): Promise<EgressSelector> {
  if ([udsName, proxyServer, file].filter((way) => way !== undefined).length > 1) {
    const ways = '--uds-name, --proxy-server and --egress-selector-config-file';
    throw new TunnelError('USAGE', `an API façade needs exactly one of ${ways}`);
  }
  const common = { ...context, name: 'apiserver/apiserver', serverName: 'server/proxy-server' };
  if (file !== undefined) return loadEgressSelector(file, common);
  if (udsName !== undefined)
    return tunnel(new GrpcDialer({ ...common, address: `unix://${udsName}` }), context);
  if (proxyServer !== undefined) {
    const tls = await useTls('frontend-client');
    return tunnel(new GrpcDialer({ ...common, address: proxyServer, tls }), context);
  }
  const ways = '--uds-name or --proxy-server, or --egress-selector-config-file';
  throw new TunnelError('USAGE', `an API façade needs ${ways}, to reach any kubelet`);
}

/** Addresses outside the cluster, such as webhooks given by URL, are dialled directly. */
function tunnel(client: ClosableDialer, { clock }: RoleContext): EgressSelector {
  return { ...intoCluster(client, createDirectDialer(clock)), close: () => client.close() };
}
