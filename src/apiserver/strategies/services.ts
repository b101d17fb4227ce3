import {
  duplicate,
  type FieldError,
  invalidObject,
  invalidValue,
  notSupported,
  required,
} from '../request/invalid.js';
import { internalError } from '../request/status.js';
import { listAt, textAt } from '../resources/api-object.js';
import { findResource } from '../resources/catalogue.js';
import {
  childOf,
  ensureChild,
  itemsOf,
  type JsonObject,
  metadataOf,
  setDefault,
  textOf,
} from '../resources/json.js';
import type { ObjectStore } from '../store/object-store.js';
import { isPort, portText } from './pod-template.js';
import type { Strategy, StrategyContext } from './strategy.js';

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];

export const serviceStrategy: Strategy = {
  nameForm: 'label-1035',
  hasStatus: true,
  returnsDeleted: true,
  createsOnUpdate: true,
  defaults: defaultService,
  prepareCreate: (service, context) => {
    service['status'] = { loadBalancer: {} };
    allocate(service, context);
  },
  prepareUpdate: keepAddresses,
  validate: serviceErrors,
  validateUpdate: (next, old) => {
    const [address, before] = [textAt(next, 'spec.clusterIP'), textAt(old, 'spec.clusterIP')];
    const isFixed = before !== '' && textAt(next, 'spec.type') !== 'ExternalName';
    if (!isFixed || address === before) return [];
    return [invalidValue('spec.clusterIPs[0]', [address], 'may not change once set')];
  },
};

function defaultService(service: JsonObject): void {
  const spec = ensureChild(service, 'spec');
  setDefault(spec, 'type', 'ClusterIP');
  setDefault(spec, 'sessionAffinity', 'None');
  for (const port of itemsOf(spec, 'ports')) {
    setDefault(port, 'protocol', 'TCP');
    if (port['targetPort'] === undefined || port['targetPort'] === '' || port['targetPort'] === 0)
      port['targetPort'] = port['port'];
  }
  if (spec['type'] === 'ExternalName') return;
  setDefault(spec, 'internalTrafficPolicy', 'Cluster');
  setDefault(spec, 'ipFamilies', ['IPv4']);
  setDefault(spec, 'ipFamilyPolicy', 'SingleStack');
  if (spec['type'] !== 'ClusterIP') setDefault(spec, 'externalTrafficPolicy', 'Cluster');
  if (spec['clusterIP']) setDefault(spec, 'clusterIPs', [spec['clusterIP']]);
}

/** An update without the addresses keeps them. */
function keepAddresses(next: JsonObject, old: JsonObject): void {
  const [spec, before] = [ensureChild(next, 'spec'), childOf(old, 'spec') ?? {}];
  if (spec['type'] === 'ExternalName') return;
  for (const key of ['clusterIP', 'clusterIPs'])
    if (!spec[key] && before[key] !== undefined) spec[key] = before[key];
}

/** The service range of a kubeadm cluster is 10.96.0.0/12; the cluster's own services have the first addresses. */
const firstAddress = 10 * 2 ** 24 + 96 * 2 ** 16 + 100;
const lastAddress = 10 * 2 ** 24 + 111 * 2 ** 16 + 255 * 256 + 254;
const firstNodePort = 30_000;
const lastNodePort = 32_767;

function allocate(service: JsonObject, { store }: StrategyContext): void {
  const spec = ensureChild(service, 'spec');
  if (spec['type'] === 'ExternalName') return;
  const taken = new Set(servicesOf(store).map((other) => textAt(other, 'spec.clusterIP')));
  const wanted = spec['clusterIP'];
  if (wanted === 'None') {
    spec['clusterIPs'] = ['None'];
    return;
  }
  if (typeof wanted === 'string' && wanted !== '') refuseTaken(service, wanted, taken);
  else spec['clusterIP'] = freeAddress(taken);
  spec['clusterIPs'] = [spec['clusterIP']];
  if (spec['type'] === 'NodePort' || spec['type'] === 'LoadBalancer') allocateNodePorts(spec, store);
}

function servicesOf(store: ObjectStore): readonly unknown[] {
  const services = findResource('', 'v1', 'services');
  return services === undefined ? [] : store.list(services);
}

function refuseTaken(service: JsonObject, address: string, taken: ReadonlySet<string>): void {
  if (!taken.has(address)) return;
  const detail = `failed to allocate IP ${address}: provided IP is already allocated`;
  throw invalidObject({ kind: 'Service', group: '' }, textOf(metadataOf(service)['name']), [
    invalidValue('spec.clusterIPs', [address], detail),
  ]);
}

function freeAddress(taken: ReadonlySet<string>): string {
  for (let number = firstAddress; number <= lastAddress; number++) {
    const address = [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
    if (!taken.has(address)) return address;
  }
  throw internalError('failed to allocate a serviceIP: range is full');
}

function allocateNodePorts(spec: JsonObject, store: ObjectStore): void {
  const taken = new Set(
    servicesOf(store).flatMap((service) =>
      listAt(service, 'spec.ports').map((port) => Number(textAt(port, 'nodePort'))),
    ),
  );
  let candidate = firstNodePort;
  for (const port of itemsOf(spec, 'ports')) {
    while (taken.has(candidate) && candidate < lastNodePort) candidate++;
    if (port['nodePort'] === undefined || port['nodePort'] === 0) port['nodePort'] = candidate;
    taken.add(Number(port['nodePort']));
  }
}

function serviceErrors(service: JsonObject): readonly FieldError[] {
  const spec = childOf(service, 'spec') ?? {};
  const type = textOf(spec['type']);
  const errors: FieldError[] = [];
  if (!types.includes(type)) errors.push(notSupported('spec.type', type, types));
  const ports = itemsOf(spec, 'ports');
  if (ports.length === 0 && type !== 'ExternalName' && spec['clusterIP'] !== 'None')
    errors.push(required('spec.ports'));
  if (type === 'ExternalName' && !spec['externalName']) errors.push(required('spec.externalName'));
  const [names, seen] = [new Set<string>(), new Set<string>()];
  for (const [index, port] of ports.entries())
    errors.push(...portErrors(port, `spec.ports[${index}]`, { alone: ports.length === 1, names, seen }));
  return errors;
}

function portErrors(
  port: JsonObject,
  path: string,
  { alone, names, seen }: { alone: boolean; names: Set<string>; seen: Set<string> },
): readonly FieldError[] {
  const errors: FieldError[] = [];
  const name = textOf(port['name']);
  if (name === '' && !alone) errors.push(required(`${path}.name`));
  if (name !== '' && names.has(name)) errors.push(duplicate(`${path}.name`, name));
  names.add(name);
  if (!isPort(port['port'])) errors.push(invalidValue(`${path}.port`, port['port'] ?? 0, portText));
  const { targetPort } = port;
  if (typeof targetPort === 'number' && !isPort(targetPort))
    errors.push(invalidValue(`${path}.targetPort`, targetPort, portText));
  const key = `${textOf(port['port'])}/${textOf(port['protocol'])}`;
  if (seen.has(key)) errors.push(duplicate(path, { port: port['port'], protocol: port['protocol'] }));
  seen.add(key);
  return errors;
}
