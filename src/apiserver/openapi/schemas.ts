import type { JsonObject } from '../resources/json.js';
import { apiVersionOf, type Resource } from '../resources/resource.js';
import { type Field, findMessage, messageOfField, type Scalar } from '../schema/message-table.js';

/** JSON Schemas of kinds and of the types in them, by name. `prefix` is the start of references. */
export function schemasOf(resources: readonly Resource[], prefix: string): ReadonlyMap<string, JsonObject> {
  const schemas = new Map<string, JsonObject>();
  for (const resource of resources) {
    addSchema(schemas, resource.kind, prefix);
    const schema = schemas.get(schemaName(resource.kind));
    if (schema !== undefined) Object.assign(schema, kindFields(resource));
  }
  return schemas;
}

function kindFields(resource: Resource): JsonObject {
  const { group, version, kind } = resource;
  return {
    description: `${kind} of ${apiVersionOf(resource)}`,
    'x-kubernetes-group-version-kind': [{ group, kind, version }],
  };
}

export function schemaName(message: string): string {
  return `io.k8s.api.v1.${message.replace(/^\w+\./, '')}${message.includes('.') ? `.${message.split('.')[0]}` : ''}`;
}

const typeMeta = { apiVersion: { type: 'string' }, kind: { type: 'string' } } as const;

function addSchema(schemas: Map<string, JsonObject>, name: string, prefix: string): void {
  const message = findMessage(name);
  if (message === undefined || schemas.has(schemaName(name))) return;
  const isKind = message.byName.has('metadata');
  const properties: JsonObject = isKind ? { ...typeMeta } : {};
  schemas.set(schemaName(name), { type: 'object', properties });
  for (const field of message.byName.values()) {
    properties[field.name] = { ...shapeOf(field, prefix), ...extensionsOf(field) };
    const inner = messageOfField(field);
    if (inner !== undefined) addSchema(schemas, inner.name, prefix);
  }
}

function shapeOf(field: Field, prefix: string): JsonObject {
  const item = itemOf(field, prefix);
  switch (field.shape) {
    case 'one':
      return item;
    case 'list':
      return { type: 'array', items: item };
    case 'map':
      return { type: 'object', additionalProperties: item };
  }
}

function itemOf({ type }: Field, prefix: string): JsonObject {
  if (typeof type === 'object') return { $ref: prefix + schemaName(type.message) };
  return scalarSchema(type);
}

function scalarSchema(type: Scalar): JsonObject {
  switch (type) {
    case 'string':
      return { type: 'string' };
    case 'bool':
      return { type: 'boolean' };
    case 'int32':
    case 'int64':
      return { type: 'integer', format: type };
    case 'double':
      return { type: 'number', format: type };
    case 'bytes':
      return { type: 'string', format: 'byte' };
    case 'time':
    case 'microtime':
      return { type: 'string', format: 'date-time' };
    case 'quantity':
      return { type: 'string', format: 'quantity' };
    case 'intstr':
      return { type: 'string', format: 'int-or-string' };
    case 'strings':
      return { type: 'array', items: { type: 'string' } };
    case 'fields':
    case 'raw':
      return { type: 'object' };
  }
}

/** How clients merge lists when they make patches. */
function extensionsOf({ mergeKey, retainKeys, listKeys, isSet }: Field): JsonObject {
  const strategies = [...(mergeKey === undefined ? [] : ['merge']), ...(retainKeys ? ['retainKeys'] : [])];
  return {
    ...(strategies.length === 0 ? {} : { 'x-kubernetes-patch-strategy': strategies.join(',') }),
    ...(mergeKey === undefined || mergeKey === '' ? {} : { 'x-kubernetes-patch-merge-key': mergeKey }),
    ...(listKeys === undefined
      ? {}
      : { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': listKeys }),
    ...(isSet ? { 'x-kubernetes-list-type': 'set' } : {}),
  };
}
