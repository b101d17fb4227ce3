import { StatusError } from '../request/status.js';
import { isObject, type JsonObject } from '../resources/json.js';
import { type Field, findMessage, type Message, messageOfField } from '../schema/message-table.js';

/**
 * The fields of an object that can be owned, by path, with their values. A path is the elements of FieldsV1 joined by
 * NUL: `f:NAME` a field or a key of a map, `k:{"name":"x"}` an item of a keyed list, `v:"x"` an item of a set. An item
 * or a map itself has the value `present`.
 */
export type Fields = ReadonlyMap<string, unknown>;

export const separator = '\u0000';
const present = Symbol('present');

/** Fields without an owner: only the server sets them, or they identify the object. */
const unowned = new Set([
  ...['name', 'namespace', 'uid', 'creationTimestamp', 'selfLink', 'generation', 'resourceVersion'],
  ...['managedFields', 'deletionTimestamp', 'deletionGracePeriodSeconds'],
]);

/** The limit for all paths of an object: a long key of a list is in the path of each field below it. */
const maxCharacters = 32 * 1024 * 1024;
/** The highest number of elements in a path. No type is nearly as deep. */
const maxPathDepth = 50;

/** Fields by path. Throws 413 when their paths become too long. */
class FieldCollector {
  readonly all = new Map<string, unknown>();
  private characters = 0;

  set(path: string, value: unknown): void {
    this.characters += path.length;
    if (this.characters > maxCharacters)
      throw new StatusError(413, 'Request entity too large: metadata.managedFields would be too large', {
        reason: 'RequestEntityTooLarge',
      });
    this.all.set(path, value);
  }
}

export function fieldsOf(object: JsonObject): Fields {
  const fields = new FieldCollector();
  const message = findMessage(String(object['kind']));
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = object;
  const meta = Object.entries(isObject(metadata) ? metadata : {}).filter(([key]) => !unowned.has(key));
  const owned: JsonObject = { ...(meta.length > 0 ? { metadata: Object.fromEntries(meta) } : {}), ...rest };
  for (const [key, value] of Object.entries(owned))
    visit({ fields, path: `f:${key}` }, message?.byName.get(key), value);
  return fields.all;
}

interface Place {
  readonly fields: FieldCollector;
  readonly path: string;
}

function visit(place: Place, field: Field | undefined, value: unknown): void {
  if (field === undefined || field.atomic) return leaf(place, value);
  switch (field.shape) {
    case 'one':
      return visitStruct(place, messageOfField(field), value);
    case 'map':
      return visitMap(place, value);
    case 'list':
      return visitList(place, field, value);
  }
}

function leaf({ fields, path }: Place, value: unknown): void {
  fields.set(path, value);
}

function visitStruct(place: Place, message: Message | undefined, value: unknown): void {
  if (message === undefined || message.atomic || !isObject(value) || Object.keys(value).length === 0)
    return leaf(place, value);
  for (const [key, entry] of Object.entries(value))
    visit({ ...place, path: `${place.path}${separator}f:${key}` }, message.byName.get(key), entry);
}

function visitMap(place: Place, value: unknown): void {
  if (!isObject(value)) return leaf(place, value);
  leaf(place, present);
  for (const [key, entry] of Object.entries(value))
    place.fields.set(`${place.path}${separator}f:${key}`, entry);
}

function visitList(place: Place, field: Field, value: unknown): void {
  if (!Array.isArray(value)) return leaf(place, value);
  if (field.isSet) {
    leaf(place, present);
    for (const item of value) place.fields.set(`${place.path}${separator}v:${JSON.stringify(item)}`, item);
    return;
  }
  const { listKeys } = field;
  if (listKeys === undefined) return leaf(place, value);
  leaf(place, present);
  for (const item of value.filter(isObject)) {
    const path = `${place.path}${separator}${itemKey(item, listKeys)}`;
    place.fields.set(path, present);
    visitStruct({ ...place, path }, messageOfField(field), item);
    // The item itself is a member even when it contains only its keys.
    place.fields.set(path, present);
  }
}

/** Keys with defaults may be missing. */
const keyDefaults: Readonly<Record<string, unknown>> = { protocol: 'TCP' };

/** `k:{"containerPort":80,"protocol":"TCP"}`. */
export function itemKey(item: JsonObject, keys: readonly string[]): string {
  const entries = keys
    .map((key) => [key, item[key] ?? keyDefaults[key]] as const)
    .filter(([, value]) => value !== undefined);
  return `k:${JSON.stringify(Object.fromEntries(entries))}`;
}

export function toFieldsV1(paths: Iterable<string>): JsonObject {
  const root: JsonObject = {};
  const members = new Set<JsonObject>();
  // A parent comes before its children.
  for (const path of [...new Set(paths)].sort()) {
    let current = root;
    for (const element of path.split(separator)) {
      // A member with members below it has a dot.
      if (members.delete(current)) current['.'] = {};
      const next = current[element];
      current = isObject(next) ? next : ((current[element] = {}) as JsonObject);
    }
    members.add(current);
  }
  return root;
}

/** Paths from FieldsV1. A client may have written it, so invalid elements are left out with everything below them. */
export function fromFieldsV1(tree: unknown): Set<string> {
  const fields = new FieldCollector();
  const walk = (node: unknown, path: string, depth: number): void => {
    if (!isObject(node) || depth > maxPathDepth) return;
    const keys = Object.keys(node).filter(isElement);
    if (path !== '' && (keys.length === 0 || Object.hasOwn(node, '.'))) fields.set(path, present);
    for (const key of keys) walk(node[key], path === '' ? key : `${path}${separator}${key}`, depth + 1);
  };
  walk(tree, '', 0);
  return new Set(fields.all.keys());
}

function isElement(text: string): boolean {
  if (text.startsWith('f:')) return !text.includes(separator);
  return (
    (text.startsWith('k:') && isObject(parsedKey(text))) ||
    (text.startsWith('v:') && parsedKey(text) !== undefined)
  );
}

/** The value in the JSON of an element; undefined when the JSON is invalid. */
function parsedKey(element: string): unknown {
  try {
    return JSON.parse(element.slice(2));
  } catch {
    return undefined;
  }
}

/** A path as people write it: `.spec.containers[name="web"].image`. */
export function pathText(path: string): string {
  return path
    .split(separator)
    .map((element) => {
      const rest = element.slice(2);
      if (element.startsWith('v:')) return `[=${rest}]`;
      if (!element.startsWith('k:')) return `.${rest}`;
      const keys = Object.entries(JSON.parse(rest) as JsonObject);
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
    })
    .join('');
}
