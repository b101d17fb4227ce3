import { isObject, type JsonObject, sameJson } from '../resources/json.js';
import { type Field, findMessage, type Message, messageOfField } from '../schema/message-table.js';
import { itemKey, separator } from './fields.js';

/** Lays a configuration over an object: keyed lists and sets are merged, atomic values replaced. */
export function mergeConfig(kind: string, live: JsonObject, config: JsonObject): JsonObject {
  return mergeStruct(findMessage(kind), live, config);
}

function mergeStruct(message: Message | undefined, live: JsonObject, config: JsonObject): JsonObject {
  const result: JsonObject = { ...live };
  for (const [key, value] of Object.entries(config))
    result[key] = mergeField(message?.byName.get(key), live[key], value);
  return result;
}

function mergeField(field: Field | undefined, live: unknown, value: unknown): unknown {
  if (field === undefined) {
    // apiVersion, kind and what has no type; metadata is known by its type.
    return value;
  }
  if (field.atomic) return value;
  switch (field.shape) {
    case 'one': {
      const message = messageOfField(field);
      const isGranular = message !== undefined && !message.atomic && isObject(live) && isObject(value);
      return isGranular ? mergeStruct(message, live, value) : value;
    }
    case 'map':
      return isObject(live) && isObject(value) ? { ...live, ...value } : value;
    case 'list':
      return Array.isArray(live) && Array.isArray(value) ? mergeList(field, live, value) : value;
  }
}

function mergeList(field: Field, live: readonly unknown[], value: readonly unknown[]): readonly unknown[] {
  if (field.isSet) return [...live, ...value.filter((item) => !live.some((other) => sameJson(other, item)))];
  const { listKeys } = field;
  if (listKeys === undefined) return value;
  const message = messageOfField(field);
  const result = [...live];
  for (const item of value.filter(isObject)) {
    const key = itemKey(item, listKeys);
    const index = result.findIndex((other) => isObject(other) && itemKey(other, listKeys) === key);
    const found = result[index];
    if (isObject(found)) result[index] = mergeStruct(message, found, item);
    else result.push(item);
  }
  return result;
}

/** Removes what stands at an ownership path, in place. */
export function removePath(object: JsonObject, path: string): void {
  const elements = path.split(separator);
  let message = findMessage(String(object['kind']));
  let field: Field | undefined;
  let parent: JsonObject | undefined;
  let current: unknown = object;
  let lastKey = '';
  for (const [index, element] of elements.entries()) {
    const isLast = index === elements.length - 1;
    if (element.startsWith('f:')) {
      if (!isObject(current)) return;
      lastKey = element.slice(2);
      field = message?.byName.get(lastKey);
      message = field === undefined || field.shape === 'map' ? undefined : messageOfField(field);
      parent = current;
      if (isLast) {
        delete current[lastKey];
        return;
      }
      current = current[lastKey];
    } else {
      if (!Array.isArray(current) || parent === undefined) return;
      const at = current.findIndex((item) => elementOf(item, field) === element);
      if (at === -1) return;
      if (isLast) {
        parent[lastKey] = current.filter((_item, position) => position !== at);
        return;
      }
      current = current[at];
    }
  }
}

function elementOf(item: unknown, field: Field | undefined): string {
  const { listKeys } = field ?? {};
  return listKeys !== undefined && isObject(item) ? itemKey(item, listKeys) : `v:${JSON.stringify(item)}`;
}
