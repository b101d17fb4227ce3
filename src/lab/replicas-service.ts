import type { ApiObject } from '../apiserver/resources/api-object.js';
import type { LocalStore } from '../apiserver/store/object-store.js';

/** The first address of the service range 10.96.0.0/12, which every cluster gives its API. */
export const kubernetesServiceIp = '10.96.0.1';

export interface ApiPlace {
  readonly host: string;
  readonly port: number;
}

/**
 * The `kubernetes` Service and its endpoints. They have only the dedicated address, as with a balancer in
 * kube-apiserver's `--advertise-address`, for any number of replicas. kube-apiserver writes them itself, so no
 * controller changes them.
 */
export function publishKubernetesService(
  store: LocalStore,
  place: ApiPlace,
  creationTimestamp: string,
): void {
  for (const object of kubernetesService(place, creationTimestamp)) store.put(object);
}

function kubernetesService({ host, port }: ApiPlace, creationTimestamp: string): readonly ApiObject[] {
  const metadata = { name: 'kubernetes', namespace: 'default', creationTimestamp };
  const ports = [{ name: 'https', port, protocol: 'TCP' }];
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      ...metadata,
      uid: '00000000-0000-4000-a000-000000000001',
      labels: { component: 'apiserver', provider: 'kubernetes' },
    },
    spec: {
      clusterIP: kubernetesServiceIp,
      clusterIPs: [kubernetesServiceIp],
      type: 'ClusterIP',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }],
    },
    status: { loadBalancer: {} },
  };
  const endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      ...metadata,
      uid: '00000000-0000-4000-a000-000000000002',
      labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' },
    },
    subsets: [{ addresses: [{ ip: host }], ports }],
  };
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      ...metadata,
      uid: '00000000-0000-4000-a000-000000000003',
      labels: { 'kubernetes.io/service-name': 'kubernetes' },
    },
    addressType: 'IPv4',
    endpoints: [{ addresses: [host], conditions: { ready: true } }],
    ports,
  };
  return [service, endpoints, slice];
}
