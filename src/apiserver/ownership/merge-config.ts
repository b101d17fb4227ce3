import { isObject, type JsonObject, ownValue, setKey } from '../resources/json.js';
import { type Field, findMessage, type Message, messageOfField } from '../schema/message-table.js';
import { itemKey, separator } from './fields.js';

/** Merges a configuration into an object: keyed lists and sets are merged, atomic values replaced. */
export function mergeConfig(kind: string, live: JsonObject, config: JsonObject): JsonObject {
  return mergeStruct(findMessage(kind), live, config);
}

function mergeStruct(message: Message | undefined, live: JsonObject, config: JsonObject): JsonObject {
  const result: JsonObject = { ...live };
  for (const [key, value] of Object.entries(config))
    setKey(result, key, mergeField(message?.byName.get(key), ownValue(live, key), value));
  return result;
}

function mergeField(field: Field | undefined, live: unknown, value: unknown): unknown {
  if (field === undefined) {
    // apiVersion, kind and everything without a type; metadata has a type.
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
  if (field.isSet) {
    const known = new Set(live.map((item) => JSON.stringify(item)));
    return [...live, ...value.filter((item) => !known.has(JSON.stringify(item)))];
  }
  const { listKeys } = field;
  if (listKeys === undefined) return value;
  const message = messageOfField(field);
  const result = [...live];
  const places = new Map<string, number>();
  for (const [index, item] of live.entries()) {
    const key = isObject(item) ? itemKey(item, listKeys) : '';
    if (!places.has(key)) places.set(key, index);
  }
  for (const item of value.filter(isObject)) {
    const key = itemKey(item, listKeys);
    const index = places.get(key) ?? result.length;
    const found = result[index];
    result[index] = isObject(found) ? mergeStruct(message, found, item) : item;
    places.set(key, index);
  }
  return result;
}

/** What to remove below a place, by path elements. */
interface Removal {
  isWhole: boolean;
  readonly below: Map<string, Removal>;
}

/** Removes the values at ownership paths, all in one pass, because each list may have the maximum length. */
export function removePaths(object: JsonObject, paths: readonly string[]): void {
  const root: Removal = { isWhole: false, below: new Map() };
  for (const path of paths) {
    let place = root;
    for (const element of path.split(separator)) {
      const next: Removal = place.below.get(element) ?? { isWhole: false, below: new Map() };
      place.below.set(element, next);
      place = next;
    }
    place.isWhole = true;
  }
  removeFields(object, findMessage(String(object['kind'])), root);
}

function removeFields(parent: JsonObject, message: Message | undefined, { below }: Removal): void {
  for (const [element, removal] of below) {
    if (!element.startsWith('f:')) continue;
    const key = element.slice(2);
    const value = ownValue(parent, key);
    const field = message?.byName.get(key);
    if (removal.isWhole) delete parent[key];
    else if (Array.isArray(value)) setKey(parent, key, withoutItems(value, field, removal));
    else if (isObject(value)) removeFields(value, structOf(field), removal);
  }
}

function withoutItems(list: readonly unknown[], field: Field | undefined, { below }: Removal): unknown[] {
  return list.filter((item) => {
    const removal = below.get(elementOf(item, field));
    if (removal !== undefined && !removal.isWhole && isObject(item))
      removeFields(item, structOf(field), removal);
    return removal?.isWhole !== true;
  });
}

function structOf(field: Field | undefined): Message | undefined {
  return field === undefined || field.shape === 'map' ? undefined : messageOfField(field);
}

function elementOf(item: unknown, field: Field | undefined): string {
  const { listKeys } = field ?? {};
  return listKeys !== undefined && isObject(item) ? itemKey(item, listKeys) : `v:${JSON.stringify(item)}`;
}
