import { entriesAt, textAt } from './api-object.js';
import { ageColumn, nameColumn } from './common-columns.js';
import { since } from './duration.js';
import type { Column } from './resource.js';

export const eventColumns: readonly Column[] = [
  {
    name: 'Last Seen',
    type: 'string',
    description: 'Time since it happened last.',
    cell: (event, nowMs) => since(textAt(event, 'lastTimestamp') || textAt(event, 'eventTime'), nowMs),
  },
  plain('Type', 'type', 'Normal or Warning.'),
  plain('Reason', 'reason', 'What happened, in one word.'),
  {
    name: 'Object',
    type: 'string',
    description: 'Object that it happened to.',
    cell: (event) =>
      `${textAt(event, 'involvedObject.kind').toLowerCase()}/${textAt(event, 'involvedObject.name')}`,
  },
  { ...plain('Subobject', 'involvedObject.fieldPath', 'Part of the object.'), wide: true },
  {
    name: 'Source',
    type: 'string',
    wide: true,
    description: 'Component that reported it.',
    cell: (event) =>
      [textAt(event, 'source.component') || textAt(event, 'reportingComponent'), textAt(event, 'source.host')]
        .filter((part) => part !== '')
        .join(', '),
  },
  plain('Message', 'message', 'What happened, in words.'),
  {
    name: 'First Seen',
    type: 'string',
    wide: true,
    description: 'Time since it happened first.',
    cell: (event, nowMs) => since(textAt(event, 'firstTimestamp') || textAt(event, 'eventTime'), nowMs),
  },
  {
    name: 'Count',
    type: 'string',
    wide: true,
    description: 'How often it happened.',
    cell: (event) => textAt(event, 'count') || '1',
  },
  { ...nameColumn, wide: true },
];

export const configMapColumns: readonly Column[] = [
  nameColumn,
  {
    name: 'Data',
    type: 'string',
    description: 'Number of entries.',
    cell: (object) => String(entriesAt(object, 'data').length + entriesAt(object, 'binaryData').length),
  },
  ageColumn,
];

export const leaseColumns: readonly Column[] = [
  nameColumn,
  plain('Holder', 'spec.holderIdentity', 'Holder of the lease.'),
  ageColumn,
];

function plain(name: string, path: string, description: string): Column {
  return { name, type: 'string', description, cell: (object) => textAt(object, path) };
}
