import { StatusError } from '../request/status.js';
import { type ApiObject, at, listAt, numberAt, textAt } from '../resources/api-object.js';
import { coreResource, findResource } from '../resources/catalogue.js';
import type { ObjectStore } from '../store/object-store.js';

export interface Backend {
  readonly host: string;
  readonly port: number;
}

export function findService(store: ObjectStore, namespace: string, name: string): ApiObject | undefined {
  return store.get(coreResource('services'), { namespace, name });
}

/** The ready addresses of a service's port. The empty name means a service's only port. */
export function readyBackends(store: ObjectStore, service: ApiObject, portName: string): readonly Backend[] {
  const { namespace, name } = service.metadata;
  const key = { name, ...(namespace === undefined ? {} : { namespace }) };
  const endpoints = store.get(coreResource('endpoints'), key);
  const found = listAt(endpoints, 'subsets').flatMap((subset) =>
    crossed(
      listAt(subset, 'addresses').map((address) => textAt(address, 'ip')),
      listAt(subset, 'ports'),
      portName,
    ),
  );
  return found.length > 0 ? found : sliceBackends(store, service, portName);
}

/** The ready addresses of Endpoints that are addresses of their pods: the API server's proxy dials no others. */
export function podBackends(store: ObjectStore, endpoints: ApiObject, portName: string): readonly Backend[] {
  return listAt(endpoints, 'subsets').flatMap((subset) =>
    crossed(
      listAt(subset, 'addresses')
        .filter((address) => isPodAddress(store, endpoints, address))
        .map((address) => textAt(address, 'ip')),
      listAt(subset, 'ports'),
      portName,
    ),
  );
}

function isPodAddress(store: ObjectStore, { metadata }: ApiObject, address: unknown): boolean {
  const namespace = textAt(address, 'targetRef.namespace');
  if (textAt(address, 'targetRef.kind') !== 'Pod' || namespace !== metadata.namespace) return false;
  const pod = store.get(coreResource('pods'), { namespace, name: textAt(address, 'targetRef.name') });
  const addresses = listAt(pod, 'status.podIPs').map((each) => textAt(each, 'ip'));
  return addresses.includes(textAt(address, 'ip'));
}

/** A user who makes slices by hand does not need Endpoints. */
function sliceBackends(store: ObjectStore, service: ApiObject, portName: string): readonly Backend[] {
  const resource = findResource('discovery.k8s.io', 'v1', 'endpointslices');
  if (resource === undefined) return [];
  const { namespace, name } = service.metadata;
  return store
    .list(resource, namespace)
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === name)
    .flatMap((slice) =>
      crossed(
        listAt(slice, 'endpoints')
          .filter((endpoint) => at(endpoint, 'conditions.ready') !== false)
          .flatMap((endpoint) => listAt(endpoint, 'addresses').map(String)),
        listAt(slice, 'ports'),
        portName,
      ),
    );
}

function crossed(hosts: readonly string[], ports: readonly unknown[], portName: string): Backend[] {
  return ports
    .filter((port) => textAt(port, 'name') === portName)
    .flatMap((port) => hosts.map((host) => ({ host, port: numberAt(port, 'port') })));
}

/** 503: `no endpoints available for service "x"`. */
export function noEndpoints(service: string): StatusError {
  return unavailable(`no endpoints available for service ${JSON.stringify(service)}`);
}

/** 503: `no service port 81 found for service "x"`. */
export function noServicePort(port: number, service: string): StatusError {
  return unavailable(`no service port ${port} found for service ${JSON.stringify(service)}`);
}

/** 503. `cause` is the failure behind it, for the journal. */
export function unavailable(message: string, cause?: unknown): StatusError {
  return new StatusError(503, message, { reason: 'ServiceUnavailable', cause });
}
