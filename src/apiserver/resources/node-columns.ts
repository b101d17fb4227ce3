import { type ApiObject, at, entriesAt, listAt, textAt } from './api-object.js';
import { ageColumn, nameColumn } from './common-columns.js';
import type { Column } from './resource.js';

const rolePrefix = 'node-role.kubernetes.io/';

export const nodeColumns: readonly Column[] = [
  nameColumn,
  {
    name: 'Status',
    type: 'string',
    description: 'Whether the node is ready and accepts pods.',
    cell: nodeStatus,
  },
  { name: 'Roles', type: 'string', description: 'Roles from the labels of the node.', cell: roles },
  ageColumn,
  {
    name: 'Version',
    type: 'string',
    description: 'Version of the kubelet.',
    cell: (node) => textAt(node, 'status.nodeInfo.kubeletVersion'),
  },
  addressColumn('Internal-IP', 'InternalIP'),
  addressColumn('External-IP', 'ExternalIP'),
  infoColumn('OS-Image', 'osImage'),
  infoColumn('Kernel-Version', 'kernelVersion'),
  infoColumn('Container-Runtime', 'containerRuntimeVersion'),
];

function nodeStatus(node: ApiObject): string {
  const ready = listAt(node, 'status.conditions').find((condition) => textAt(condition, 'type') === 'Ready');
  const parts = [ready === undefined ? 'Unknown' : textAt(ready, 'status') === 'True' ? 'Ready' : 'NotReady'];
  if (at(node, 'spec.unschedulable') === true) parts.push('SchedulingDisabled');
  return parts.join(',');
}

function roles(node: ApiObject): string {
  const names = entriesAt(node, 'metadata.labels').flatMap(([key, value]) => {
    if (key.startsWith(rolePrefix)) return [key.slice(rolePrefix.length)];
    return key === 'kubernetes.io/role' ? [value] : [];
  });
  const known = names.filter((name) => name !== '');
  return known.length === 0 ? '<none>' : known.sort().join(',');
}

function addressColumn(name: string, type: string): Column {
  return {
    name,
    type: 'string',
    wide: true,
    description: `First ${type} address of the node.`,
    cell: (node) => {
      const found = listAt(node, 'status.addresses').find((address) => textAt(address, 'type') === type);
      return found === undefined ? '<none>' : textAt(found, 'address');
    },
  };
}

function infoColumn(name: string, field: string): Column {
  return {
    name,
    type: 'string',
    wide: true,
    description: `What the node reports as ${field}.`,
    cell: (node) => textAt(node, `status.nodeInfo.${field}`) || '<unknown>',
  };
}
