import type { ObjectMeta } from '../../kube/pod-objects.js';

/** Any object of the API. The types in `kube/pod-objects.ts` match it; other fields are read with the helpers below. */
export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

export type Predicate = (object: ApiObject) => boolean;

/** The value at a dotted path (`spec.nodeName`), or undefined. Objects come from users: nothing is taken for granted. */
export function at(value: unknown, path: string): unknown {
  let current = value;
  for (const key of path.split('.')) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined;
    current = (current as Record<string, unknown>)[key];
  }
  return current;
}

/** The text at a path. Numbers and booleans become text; anything else is the empty text. */
export function textAt(value: unknown, path: string): string {
  const found = at(value, path);
  switch (typeof found) {
    case 'string':
      return found;
    case 'number':
    case 'boolean':
      return String(found);
    default:
      return '';
  }
}

/** The number at a path, or 0. */
export function numberAt(value: unknown, path: string): number {
  const found = at(value, path);
  return typeof found === 'number' ? found : 0;
}

/** The list at a path, or an empty one. */
export function listAt(value: unknown, path: string): readonly unknown[] {
  const found = at(value, path);
  return Array.isArray(found) ? found : [];
}

/** The entries of the string-to-string map at a path. Without a map: no entries. */
export function entriesAt(value: unknown, path: string): readonly (readonly [string, string])[] {
  const found = at(value, path);
  if (typeof found !== 'object' || found === null) return [];
  return Object.entries(found).map(([key, entry]) => [key, String(entry)] as const);
}
