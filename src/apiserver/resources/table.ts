import { type ApiObject, textAt } from './api-object.js';
import { defaultColumns } from './common-columns.js';
import type { Column, Resource } from './resource.js';

/** How much of the object comes with each row: nothing, its metadata, or everything. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface TableOptions {
  readonly nowMs: number;
  readonly includeObject: IncludeObject;
  /** `meta.k8s.io/v1`, or `v1beta1` for clients that ask for it. */
  readonly apiVersion: string;
  readonly metadata: object;
  /** A watch sends the columns once, with its first event. */
  readonly withColumns: boolean;
}

/** The server-side table; kubectl prints it unchanged. */
export function renderTable(
  resource: Resource,
  objects: readonly ApiObject[],
  options: TableOptions,
): object {
  const columns = resource.columns ?? defaultColumns;
  return {
    kind: 'Table',
    apiVersion: options.apiVersion,
    metadata: options.metadata,
    columnDefinitions: options.withColumns ? columns.map(definition) : [],
    rows: objects.map((object) => row(columns, object, options)),
  };
}

function definition(column: Column): object {
  const { name, type, description } = column;
  return { name, type, format: column.format ?? '', description, priority: column.wide === true ? 1 : 0 };
}

function row(columns: readonly Column[], object: ApiObject, options: TableOptions): object {
  const cells = columns.map((column) => column.cell(object, options.nowMs));
  const conditions = finishedPod(object);
  return {
    cells,
    ...(conditions === undefined ? {} : { conditions }),
    ...(options.includeObject === 'Object' ? { object } : {}),
    ...(options.includeObject === 'Metadata' ? { object: partialMetadata(object, options.apiVersion) } : {}),
  };
}

export function partialMetadata(object: ApiObject, apiVersion: string): object {
  return { kind: 'PartialObjectMetadata', apiVersion, metadata: object.metadata };
}

/** Marks rows of finished pods for clients. */
function finishedPod(object: ApiObject): object[] | undefined {
  const phase = object.kind === 'Pod' ? textAt(object, 'status.phase') : '';
  if (phase !== 'Succeeded' && phase !== 'Failed') return undefined;
  const message = phase === 'Succeeded' ? 'The pod has completed successfully.' : 'The pod failed.';
  return [{ type: 'Completed', status: 'True', reason: phase, message }];
}
