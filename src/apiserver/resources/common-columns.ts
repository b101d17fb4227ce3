import { type ApiObject, entriesAt, listAt, textAt } from './api-object.js';
import { since } from './duration.js';
import type { Column } from './resource.js';

export const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name of the object, unique within its namespace.',
  cell: (object) => object.metadata.name,
};

export const ageColumn: Column = {
  name: 'Age',
  type: 'string',
  description: 'Time since the object was created.',
  cell: (object, nowMs) => since(object.metadata.creationTimestamp, nowMs),
};

/** The columns of kinds that do not define any. */
export const defaultColumns: readonly Column[] = [
  nameColumn,
  {
    name: 'Created At',
    type: 'string',
    description: 'When the object was created.',
    cell: (object) => object.metadata.creationTimestamp,
  },
];

/** `a=b,c=d` in the order of the keys, or `<none>`. */
export function formatLabels(object: unknown, path: string): string {
  const pairs = entriesAt(object, path).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '<none>' : pairs.sort().join(',');
}

export function orNone(text: string): string {
  return text === '' ? '<none>' : text;
}

/** The wide columns of everything with a pod template. */
export const templateColumns: readonly Column[] = [
  {
    name: 'Containers',
    type: 'string',
    wide: true,
    description: 'Names of each container in the template.',
    cell: (object) => containers(object, 'name'),
  },
  {
    name: 'Images',
    type: 'string',
    wide: true,
    description: 'Images referenced by each container in the template.',
    cell: (object) => containers(object, 'image'),
  },
  {
    name: 'Selector',
    type: 'string',
    wide: true,
    description: 'Labels of the pods that belong to it.',
    cell: (object) => formatLabels(object, 'spec.selector.matchLabels'),
  },
];

function containers(object: ApiObject, field: string): string {
  return listAt(object, 'spec.template.spec.containers')
    .map((container) => textAt(container, field))
    .join(',');
}
