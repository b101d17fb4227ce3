import type { ApiObject } from './api-object.js';

/** A JSON object that is being made or changed. */
export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Sets a key. `__proto__` is a key like any other, as in Go's maps. */
export function setKey(target: JsonObject, key: string, value: unknown): void {
  if (key !== '__proto__') target[key] = value;
  else Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

/** The value of the object's own key; undefined without one. Inherited properties are ignored. */
export function ownValue(target: JsonObject, key: string): unknown {
  return Object.hasOwn(target, key) ? target[key] : undefined;
}

export function childOf(parent: JsonObject, key: string): JsonObject | undefined {
  const value = parent[key];
  return isObject(value) ? value : undefined;
}

export function ensureChild(parent: JsonObject, key: string): JsonObject {
  const found = childOf(parent, key);
  if (found !== undefined) return found;
  const made: JsonObject = {};
  parent[key] = made;
  return made;
}

export function itemsOf(parent: JsonObject | undefined, key: string): readonly JsonObject[] {
  const value = parent?.[key];
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function setDefault(target: JsonObject, key: string, value: unknown): void {
  if (target[key] === undefined) target[key] = value;
}

export function metadataOf(object: JsonObject): JsonObject {
  return ensureChild(object, 'metadata');
}

/** A deep copy of a stored object, for changes. */
export function draftOf(object: ApiObject): JsonObject {
  return structuredClone(object) as unknown as JsonObject;
}

/** The finished object, in the form that the store keeps. */
export function finished(draft: JsonObject): ApiObject {
  return draft as unknown as ApiObject;
}

/** Whether two JSON values are equal; the order of keys is ignored. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
  );
}

/** A text, number or boolean as text; anything else is the empty text. */
export function textOf(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'boolean':
      return String(value);
    default:
      return '';
  }
}
