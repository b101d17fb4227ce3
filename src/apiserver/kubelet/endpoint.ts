import { StatusError } from '../request/status.js';
import { type ApiObject, listAt, numberAt, textAt } from '../resources/api-object.js';

/** Where a kubelet listens, as the tunnel is asked for it. */
export interface KubeletEndpoint {
  readonly host: string;
  readonly port: number;
}

/** What a node's address can be. */
export type NodeAddressType = 'Hostname' | 'InternalDNS' | 'InternalIP' | 'ExternalDNS' | 'ExternalIP';

/** kube-apiserver's default for `--kubelet-preferred-address-types`. */
export const defaultAddressTypes: readonly NodeAddressType[] = [
  'Hostname',
  'InternalDNS',
  'InternalIP',
  'ExternalDNS',
  'ExternalIP',
];
const defaultKubeletPort = 10250;

/** The address and port to reach a node's kubelet by: the first type that it has. Throws 500 when it has none. */
export function kubeletEndpoint(node: ApiObject, addressTypes: readonly NodeAddressType[]): KubeletEndpoint {
  const addresses = listAt(node, 'status.addresses');
  const port = numberAt(node, 'status.daemonEndpoints.kubeletEndpoint.Port') || defaultKubeletPort;
  for (const type of addressTypes) {
    const found = addresses.find((address) => textAt(address, 'type') === type);
    if (found !== undefined) return { host: textAt(found, 'address'), port };
  }
  const known = addresses.map((address) => `{${textAt(address, 'type')} ${textAt(address, 'address')}}`);
  throw new StatusError(500, `no preferred addresses found; known addresses: [${known.join(' ')}]`);
}
