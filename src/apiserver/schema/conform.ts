import { tooManyValues } from '../request/parse.js';
import { isObject, type JsonObject, setKey } from '../resources/json.js';
import { excessOf, maxValues } from '../resources/json-limits.js';
import { type Field, findMessage, type Message, messageOfField, type Scalar } from './message-table.js';

export interface Conformed {
  /** A deep copy without unknown fields and without nulls. */
  readonly object: JsonObject;
  /** The paths of unknown fields, such as `spec.containers[0].imagee`; at most a hundred, as in Go's decoder. */
  readonly unknownFields: readonly string[];
}

/** A value of the wrong type; the message is that of Go's decoder. */
export class TypeMismatch extends Error {
  override readonly name = 'TypeMismatch';
}

const maxUnknownFields = 100;
const typeFields = new Set(['apiVersion', 'kind']);

/** Throws TypeMismatch, and 413 for one that patches made too large. A kind without a type is not changed. */
export function conform(kind: string, raw: JsonObject): Conformed {
  if (excessOf(raw, { values: maxValues }) !== undefined) throw tooManyValues();
  const message = findMessage(kind);
  if (message === undefined) return { object: structuredClone(raw), unknownFields: [] };
  const unknownFields: string[] = [];
  const object: JsonObject = {};
  for (const key of typeFields) if (typeof raw[key] === 'string') object[key] = raw[key];
  Object.assign(object, conformMessage(message, raw, { path: '', unknownFields }));
  return { object, unknownFields };
}

interface Place {
  readonly path: string;
  readonly unknownFields: string[];
}

function conformMessage(message: Message, raw: JsonObject, place: Place): JsonObject {
  const result: JsonObject = {};
  for (const key of Object.keys(raw)) {
    const value = raw[key];
    const path = place.path === '' ? key : `${place.path}.${key}`;
    const field = message.byName.get(key);
    if (path === key && typeFields.has(key)) continue;
    if (field === undefined) {
      if (place.unknownFields.length < maxUnknownFields) place.unknownFields.push(path);
    } else if (value !== null)
      result[key] = conformField(field, value, { ...place, path, owner: message.name });
  }
  return result;
}

interface FieldPlace extends Place {
  /** The type that contains the field. */
  readonly owner: string;
}

function conformField(field: Field, value: unknown, place: FieldPlace): unknown {
  switch (field.shape) {
    case 'one':
      return conformValue(field, value, place);
    case 'list':
      if (!Array.isArray(value)) throw mismatch(value, place, `[]${goName(field)}`);
      return value.map((item, index) =>
        conformValue(field, item, { ...place, path: `${place.path}[${index}]` }),
      );
    case 'map':
      if (!isObject(value)) throw mismatch(value, place, `map[string]${goName(field)}`);
      return conformMap(field, value, place);
  }
}

function conformMap(field: Field, value: JsonObject, place: FieldPlace): JsonObject {
  const result: JsonObject = {};
  for (const key of Object.keys(value)) setKey(result, key, conformEntry(field, key, value[key], place));
  return result;
}

/** A null in a map is Go's zero value. */
function conformEntry(field: Field, key: string, entry: unknown, place: FieldPlace): unknown {
  if (entry === null && (field.type === 'string' || field.type === 'bytes')) return '';
  return conformValue(field, entry, { ...place, path: `${place.path}.${key}` });
}

function conformValue(field: Field, value: unknown, place: FieldPlace): unknown {
  if (typeof field.type === 'string') {
    if (!fits(field.type, value)) throw mismatch(value, place, goName(field));
    return typeof value === 'object' ? structuredClone(value) : value;
  }
  const message = messageOfField(field);
  if (message === undefined) return structuredClone(value);
  if (value === null) return {};
  if (!isObject(value)) throw mismatch(value, place, goName(field));
  return conformMessage(message, value, place);
}

function fits(type: Scalar, value: unknown): boolean {
  switch (type) {
    case 'string':
    case 'time':
    case 'microtime':
    case 'bytes':
      return typeof value === 'string';
    case 'bool':
      return typeof value === 'boolean';
    case 'int32':
    case 'int64':
      return Number.isInteger(value);
    case 'double':
      return typeof value === 'number';
    case 'quantity':
    case 'intstr':
      return typeof value === 'string' || typeof value === 'number';
    case 'strings':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    case 'fields':
    case 'raw':
      return true;
  }
}

function goName({ type }: Field): string {
  if (typeof type === 'object') return `v1.${type.message.replace(/^\w+\./, '')}`;
  switch (type) {
    case 'string':
    case 'bool':
    case 'int32':
    case 'int64':
      return type;
    case 'double':
      return 'float64';
    case 'bytes':
      return '[]uint8';
    case 'strings':
      return '[]string';
    case 'time':
      return 'v1.Time';
    case 'microtime':
      return 'v1.MicroTime';
    case 'quantity':
      return 'resource.Quantity';
    case 'intstr':
      return 'intstr.IntOrString';
    case 'fields':
      return 'v1.FieldsV1';
    case 'raw':
      return 'runtime.RawExtension';
  }
}

/** Go names the type that contains the field, and the path without indices. */
function mismatch(value: unknown, place: FieldPlace, type: string): TypeMismatch {
  const path = place.path.replace(/\[\d+\]/g, '');
  const owner = place.owner.replace(/^\w+\./, '');
  return new TypeMismatch(
    `json: cannot unmarshal ${jsonType(value)} into Go struct field ${owner}.${path} of type ${type}`,
  );
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'number' && !Number.isInteger(value) ? `number ${value}` : typeof value;
}
