import { StatusError } from '../request/status.js';
import { type ApiObject, listAt, numberAt, textAt } from '../resources/api-object.js';

/** The address of a kubelet, as the tunnel gets it. */
export interface KubeletEndpoint {
  readonly host: string;
  readonly port: number;
}

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

/** The address and port of a node's kubelet: the first type that the node has. Throws 500 when it has no address. */
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
