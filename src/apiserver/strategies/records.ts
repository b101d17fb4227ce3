import { type FieldError, invalidValue, required, tooLong } from '../request/invalid.js';
import { textAt } from '../resources/api-object.js';
import {
  childOf,
  ensureChild,
  isObject,
  type JsonObject,
  metadataOf,
  sameJson,
  setDefault,
  setKey,
} from '../resources/json.js';
import type { Strategy } from './strategy.js';

const keyText =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

function keyErrors(object: JsonObject, fields: readonly string[]): readonly FieldError[] {
  return fields.flatMap((field) =>
    Object.keys(childOf(object, field) ?? {}).flatMap((key) => dataKeyErrors(key, `${field}[${key}]`)),
  );
}

/** Of a key of a ConfigMap or Secret. */
export function dataKeyErrors(key: string, path: string): readonly FieldError[] {
  const isValid = /^[-._a-zA-Z0-9]{1,253}$/.test(key) && key !== '.' && key !== '..';
  return isValid ? [] : [invalidValue(path, key, keyText)];
}

/** The limit for the bytes of all values of a ConfigMap or a Secret, after base64 decoding. */
const maxValueBytes = 1024 * 1024;

function sizeErrors(
  object: JsonObject,
  fields: Readonly<Record<string, BufferEncoding>>,
  place: string,
): readonly FieldError[] {
  let bytes = 0;
  for (const [field, encoding] of Object.entries(fields))
    for (const value of Object.values(childOf(object, field) ?? {}))
      bytes += Buffer.byteLength(String(value), encoding);
  return bytes > maxValueBytes ? [tooLong(place, `may not be more than ${maxValueBytes} bytes`)] : [];
}

/** An immutable object keeps its data, and stays immutable. */
function immutableErrors(
  next: JsonObject,
  old: JsonObject,
  fields: readonly string[],
): readonly FieldError[] {
  if (old['immutable'] !== true) return [];
  const changed = fields.filter((field) => !sameJson(next[field], old[field]));
  if (next['immutable'] !== true) changed.unshift('immutable');
  return changed.map((field) => ({
    reason: 'FieldValueForbidden',
    field,
    message: 'Forbidden: field is immutable when `immutable` is set',
  }));
}

export const configMapStrategy: Strategy = {
  validate: (map) => [
    ...keyErrors(map, ['data', 'binaryData']),
    // kube-apiserver's way to say that it means the whole object.
    ...sizeErrors(map, { data: 'utf8', binaryData: 'base64' }, '[]'),
  ],
  validateUpdate: (next, old) => immutableErrors(next, old, ['data', 'binaryData']),
};

export const secretStrategy: Strategy = {
  defaults: (secret) => {
    setDefault(secret, 'type', 'Opaque');
    const texts = childOf(secret, 'stringData');
    if (texts !== undefined)
      for (const [key, text] of Object.entries(texts))
        setKey(ensureChild(secret, 'data'), key, Buffer.from(String(text)).toString('base64'));
    delete secret['stringData'];
  },
  validate: (secret) => [
    ...keyErrors(secret, ['data']),
    ...sizeErrors(secret, { data: 'base64' }, 'data'),
    ...base64Errors(secret),
  ],
  validateUpdate: (next, old) => [
    ...(next['type'] === old['type'] ? [] : [invalidValue('type', next['type'], 'field is immutable')]),
    ...immutableErrors(next, old, ['data']),
  ],
};

function base64Errors(secret: JsonObject): readonly FieldError[] {
  return Object.entries(childOf(secret, 'data') ?? {})
    .filter(([, value]) => !/^[A-Za-z0-9+/\s]*={0,2}$/.test(String(value)))
    .map(([key, value]) => invalidValue(`data[${key}]`, value, 'illegal base64 data'));
}

export const eventStrategy: Strategy = {
  createsOnUpdate: true,
  validate: (event) => {
    const subject = textAt(event, 'involvedObject.namespace');
    const { namespace } = metadataOf(event);
    // Events of objects without a namespace are in `default`.
    if (subject === (namespace === 'default' && subject === '' ? '' : namespace)) return [];
    return [invalidValue('involvedObject.namespace', subject, 'does not match event.namespace')];
  },
};

export const endpointsStrategy: Strategy = { createsOnUpdate: true };

export const endpointSliceStrategy: Strategy = {
  countsGenerations: true,
  validate: (slice) => (slice['addressType'] ? [] : [required('addressType')]),
  validateUpdate: (next, old) =>
    next['addressType'] === old['addressType']
      ? []
      : [invalidValue('addressType', next['addressType'], 'field is immutable')],
};

export const serviceAccountStrategy: Strategy = { returnsDeleted: true };

/** A kubelet registers its node together with its status. */
export const nodeStrategy: Strategy = {
  hasStatus: true,
  keepsFirstStatus: true,
  defaults: (node) => {
    if (!isObject(node['spec'])) node['spec'] = {};
    if (!isObject(node['status'])) node['status'] = {};
  },
};

/** Roles and bindings may have names such as `system:node`. */
export const rbacStrategy: Strategy = {
  nameForm: 'path-segment',
  createsOnUpdate: true,
  defaults: (object) => {
    const group = 'rbac.authorization.k8s.io';
    const reference = childOf(object, 'roleRef');
    if (reference !== undefined) setDefault(reference, 'apiGroup', group);
    const subjects = object['subjects'];
    for (const subject of Array.isArray(subjects) ? subjects.filter(isObject) : [])
      if (subject['kind'] !== 'ServiceAccount') setDefault(subject, 'apiGroup', group);
  },
  validateUpdate: (next, old) =>
    sameJson(next['roleRef'], old['roleRef'])
      ? []
      : [invalidValue('roleRef', next['roleRef'], 'cannot change roleRef')],
};
