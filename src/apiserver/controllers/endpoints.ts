import { type ApiObject, at, entriesAt, listAt, numberAt, textAt } from '../resources/api-object.js';
import { finished, type JsonObject, sameJson, textOf } from '../resources/json.js';
import { randomUid } from '../resources/random-names.js';
import { type Controller, type ControllerContext, isGoing, kindOf } from './controller.js';

/** Makes Endpoints and an EndpointSlice for each service with a selector, from the pods that it selects. */
export const endpointsController: Controller = {
  name: 'endpoints',
  reconcile: (context) => {
    const services = context.store
      .list(kindOf('', 'services'))
      .filter((service) => selectorOf(service).length > 0);
    for (const service of services) if (!isGoing(service)) publish(context, service);
    const owners = new Set(services.map(({ metadata }) => metadata.uid));
    for (const resource of [kindOf('', 'endpoints'), kindOf('discovery.k8s.io', 'endpointslices')])
      for (const object of context.store.list(resource)) {
        const label = object.metadata.labels?.[managedBy];
        const owner = textAt(listAt(object, 'metadata.ownerReferences')[0], 'uid');
        if (label === controllerName && !owners.has(owner))
          context.store.remove(object.apiVersion, object.kind, object.metadata);
      }
  },
};

const controllerName = 'endpointslice-controller.k8s.io';
const managedBy = 'endpointslice.kubernetes.io/managed-by';

function selectorOf(service: ApiObject): readonly (readonly [string, string])[] {
  return entriesAt(service, 'spec.selector');
}

interface Backend {
  readonly pod: ApiObject;
  readonly ip: string;
  readonly ready: boolean;
}

function publish(context: ControllerContext, service: ApiObject): void {
  const selector = selectorOf(service);
  const backends = context.store
    .list(kindOf('', 'pods'), service.metadata.namespace)
    .filter((pod) => selector.every(([key, value]) => pod.metadata.labels?.[key] === value))
    .filter((pod) => !['Succeeded', 'Failed'].includes(textAt(pod, 'status.phase')))
    .map((pod) => ({ pod, ip: textAt(pod, 'status.podIP'), ready: isReady(pod) }))
    .filter(({ ip }) => ip !== '');
  put(context, service, {
    ...endpoints(service, backends),
    metadata: ownMetadata(service, service.metadata.name),
  });
  const slice = {
    ...endpointSlice(service, backends),
    metadata: ownMetadata(service, `${service.metadata.name}-1`),
  };
  put(context, service, slice);
}

function isReady(pod: ApiObject): boolean {
  if (isGoing(pod)) return false;
  const ready = listAt(pod, 'status.conditions').find((condition) => textAt(condition, 'type') === 'Ready');
  return textAt(ready, 'status') === 'True';
}

function ownMetadata(service: ApiObject, name: string): JsonObject {
  const { namespace, uid, labels } = service.metadata;
  return {
    name,
    namespace,
    labels: { ...labels, 'kubernetes.io/service-name': service.metadata.name, [managedBy]: controllerName },
    ownerReferences: [
      {
        apiVersion: 'v1',
        kind: 'Service',
        name: service.metadata.name,
        uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  };
}

function endpoints(service: ApiObject, backends: readonly Backend[]): JsonObject {
  const address = ({ pod, ip }: Backend): JsonObject => ({
    ip,
    nodeName: textAt(pod, 'spec.nodeName'),
    targetRef: targetOf(pod),
  });
  const ready = backends.filter((backend) => backend.ready).map(address);
  const waiting = backends.filter((backend) => !backend.ready).map(address);
  const subset = {
    ...(ready.length > 0 ? { addresses: ready } : {}),
    ...(waiting.length > 0 ? { notReadyAddresses: waiting } : {}),
    ports: portsOf(service, backends),
  };
  return { apiVersion: 'v1', kind: 'Endpoints', ...(backends.length > 0 ? { subsets: [subset] } : {}) };
}

function endpointSlice(service: ApiObject, backends: readonly Backend[]): JsonObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    addressType: 'IPv4',
    endpoints: backends.map(({ pod, ip, ready }) => ({
      addresses: [ip],
      conditions: { ready, serving: ready, terminating: isGoing(pod) },
      nodeName: textAt(pod, 'spec.nodeName'),
      targetRef: targetOf(pod),
    })),
    ports: portsOf(service, backends),
  };
}

function targetOf({ metadata }: ApiObject): JsonObject {
  return { kind: 'Pod', namespace: metadata.namespace, name: metadata.name, uid: metadata.uid };
}

/** Ports by number; a named port has the number from the first pod. */
function portsOf(service: ApiObject, backends: readonly Backend[]): readonly JsonObject[] {
  return listAt(service, 'spec.ports').flatMap((port) => {
    const target = at(port, 'targetPort') ?? numberAt(port, 'port');
    const number = typeof target === 'number' ? target : namedPort(backends[0]?.pod, textOf(target));
    if (number === undefined) return [];
    const name = textAt(port, 'name');
    return [{ ...(name === '' ? {} : { name }), port: number, protocol: textAt(port, 'protocol') || 'TCP' }];
  });
}

function namedPort(pod: ApiObject | undefined, name: string): number | undefined {
  const ports = listAt(pod, 'spec.containers').flatMap((container) => listAt(container, 'ports'));
  const found = ports.find((port) => textAt(port, 'name') === name);
  return found === undefined ? undefined : numberAt(found, 'containerPort');
}

/** Writes what has changed; objects that a user made stay as they are. */
function put({ store, random, timestamp }: ControllerContext, service: ApiObject, wanted: JsonObject): void {
  const resource =
    wanted['kind'] === 'Endpoints' ? kindOf('', 'endpoints') : kindOf('discovery.k8s.io', 'endpointslices');
  const { namespace } = service.metadata;
  const metadata = wanted['metadata'] as JsonObject;
  const current = store.get(resource, { namespace, name: textOf(metadata['name']) });
  if (current !== undefined && current.metadata.labels?.[managedBy] !== controllerName) return;
  const {
    uid,
    creationTimestamp,
    resourceVersion: _revision,
    ...rest
  } = current?.metadata ?? { uid: randomUid(random), creationTimestamp: timestamp };
  if (current !== undefined && sameJson({ ...current, metadata: rest }, wanted)) return;
  store.put(finished({ ...wanted, metadata: { ...metadata, uid, creationTimestamp } }));
}
