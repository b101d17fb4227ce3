import { numberAt, textAt } from './api-object.js';
import { ageColumn, nameColumn, templateColumns } from './common-columns.js';
import type { Column } from './resource.js';

export const deploymentColumns: readonly Column[] = [
  nameColumn,
  {
    name: 'Ready',
    type: 'string',
    description: 'Ready pods and desired pods.',
    cell: (object) => `${numberAt(object, 'status.readyReplicas')}/${numberAt(object, 'spec.replicas')}`,
  },
  count('Up-to-date', 'status.updatedReplicas', 'Pods made from the present template.'),
  count('Available', 'status.availableReplicas', 'Pods that have been ready for long enough.'),
  ageColumn,
  ...templateColumns,
];

export const replicaSetColumns: readonly Column[] = [
  nameColumn,
  count('Desired', 'spec.replicas', 'Desired pods.'),
  count('Current', 'status.replicas', 'Pods that exist.'),
  count('Ready', 'status.readyReplicas', 'Pods that are ready.'),
  ageColumn,
  ...templateColumns,
];

export const namespaceColumns: readonly Column[] = [
  nameColumn,
  {
    name: 'Status',
    type: 'string',
    description: 'Whether the namespace is in use or being deleted.',
    cell: (object) => textAt(object, 'status.phase'),
  },
  ageColumn,
];

function count(name: string, path: string, description: string): Column {
  return { name, type: 'integer', description, cell: (object) => numberAt(object, path) };
}
