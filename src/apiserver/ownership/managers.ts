import { isObject, type JsonObject, metadataOf, textOf } from '../resources/json.js';
import { fromFieldsV1, toFieldsV1 } from './fields.js';

/** The owner of fields: one entry of `metadata.managedFields`. */
export interface Manager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource?: string;
  readonly time?: string;
  readonly paths: ReadonlySet<string>;
}

/** Reads `metadata.managedFields`; invalid entries are left out. */
export function managersOf(object: JsonObject): readonly Manager[] {
  const entries = metadataOf(object)['managedFields'];
  if (!Array.isArray(entries)) return [];
  return entries.filter(isObject).flatMap((entry) => {
    const { manager, operation, apiVersion, subresource, time, fieldsV1 } = entry;
    if (typeof manager !== 'string' || (operation !== 'Apply' && operation !== 'Update')) return [];
    return [
      {
        manager,
        operation,
        apiVersion: textOf(apiVersion),
        paths: fromFieldsV1(fieldsV1),
        ...(typeof subresource === 'string' && subresource !== '' ? { subresource } : {}),
        ...(typeof time === 'string' ? { time } : {}),
      },
    ];
  });
}

/** Writes them; managers without fields are left out. */
export function setManagers(object: JsonObject, managers: readonly Manager[]): void {
  const metadata = metadataOf(object);
  const entries = managers.filter(({ paths }) => paths.size > 0).map(entryOf);
  if (entries.length === 0) delete metadata['managedFields'];
  else metadata['managedFields'] = entries;
}

function entryOf({ manager, operation, apiVersion, subresource, time, paths }: Manager): JsonObject {
  return {
    manager,
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: toFieldsV1(paths),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

/** The manager of the present write. */
export type Writer = Pick<Manager, 'manager' | 'operation' | 'subresource'>;

export function isSameWriter(a: Writer, b: Writer): boolean {
  return a.manager === b.manager && a.operation === b.operation && a.subresource === b.subresource;
}
