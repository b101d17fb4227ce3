import { joinHostPort } from '../../core/address.js';
import { type ApiObject, listAt, numberAt, textAt } from './api-object.js';
import { ageColumn, formatLabels, nameColumn, orNone } from './common-columns.js';
import type { Column } from './resource.js';

export const serviceColumns: readonly Column[] = [
  nameColumn,
  {
    name: 'Type',
    type: 'string',
    description: 'How the service is offered.',
    cell: (service) => textAt(service, 'spec.type'),
  },
  {
    name: 'Cluster-IP',
    type: 'string',
    description: 'Address of the service inside the cluster.',
    cell: (service) => orNone(textAt(service, 'spec.clusterIP')),
  },
  {
    name: 'External-IP',
    type: 'string',
    description: 'Addresses of the service outside the cluster.',
    cell: (service) => orNone(listAt(service, 'spec.externalIPs').join(',')),
  },
  { name: 'Port(s)', type: 'string', description: 'Ports of the service.', cell: servicePorts },
  ageColumn,
  {
    name: 'Selector',
    type: 'string',
    wide: true,
    description: 'Labels of the pods behind the service.',
    cell: (service) => formatLabels(service, 'spec.selector'),
  },
];

export const endpointsColumns: readonly Column[] = [
  nameColumn,
  { name: 'Endpoints', type: 'string', description: 'Addresses behind the service.', cell: endpoints },
  ageColumn,
];

export const endpointSliceColumns: readonly Column[] = [
  nameColumn,
  {
    name: 'AddressType',
    type: 'string',
    description: 'Kind of addresses in the slice.',
    cell: (slice) => textAt(slice, 'addressType'),
  },
  {
    name: 'Ports',
    type: 'string',
    description: 'Ports of the endpoints.',
    cell: (slice) =>
      firstThree(
        listAt(slice, 'ports').map((port) => textAt(port, 'port')),
        '<unset>',
      ),
  },
  {
    name: 'Endpoints',
    type: 'string',
    description: 'Addresses in the slice.',
    cell: (slice) =>
      firstThree(
        listAt(slice, 'endpoints').flatMap((endpoint) => listAt(endpoint, 'addresses').map(String)),
        '<unset>',
      ),
  },
  ageColumn,
];

function servicePorts(service: ApiObject): string {
  const ports = listAt(service, 'spec.ports').map((port) => {
    const nodePort = numberAt(port, 'nodePort');
    return `${textAt(port, 'port')}${nodePort === 0 ? '' : `:${nodePort}`}/${textAt(port, 'protocol') || 'TCP'}`;
  });
  return orNone(ports.join(','));
}

function endpoints(object: ApiObject): string {
  const all = listAt(object, 'subsets').flatMap((subset) =>
    listAt(subset, 'ports').flatMap((port) =>
      listAt(subset, 'addresses').map((address) =>
        joinHostPort(textAt(address, 'ip'), numberAt(port, 'port')),
      ),
    ),
  );
  return firstThree(all, '<none>');
}

function firstThree(items: readonly string[], none: string): string {
  if (items.length === 0) return none;
  const more = items.length > 3 ? ` + ${items.length - 3} more...` : '';
  return items.slice(0, 3).join(',') + more;
}
