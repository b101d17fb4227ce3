import { type FieldError, invalidValue, notSupported, required } from '../request/invalid.js';
import { childOf, itemsOf, type JsonObject, textOf } from '../resources/json.js';
import { nameProblems, qualifiedNameProblems } from './names.js';
import { dataKeyErrors } from './records.js';

/** What the `fieldRef` of a variable may name. */
const fieldPaths = [
  ...['metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.serviceAccountName'],
  ...['status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs'],
];
/** What is known as well, but not for variables. */
const otherFieldPaths = [
  ...['metadata.annotations', 'metadata.labels', 'spec.restartPolicy', 'spec.schedulerName', 'status.phase'],
];
const resourceNames = [
  ...['limits.cpu', 'limits.ephemeral-storage', 'limits.memory'],
  ...['requests.cpu', 'requests.ephemeral-storage', 'requests.memory'],
];

/** The errors of a container's `env` and `envFrom`. */
export function environmentErrors(container: JsonObject, path: string): readonly FieldError[] {
  const ofVariables = itemsOf(container, 'env').flatMap(({ name, value, valueFrom }, index) => {
    const place = `${path}.env[${index}]`;
    const ofName = name ? variableNameErrors(name, `${place}.name`) : [required(`${place}.name`)];
    if (valueFrom === undefined) return ofName;
    return [...ofName, ...valueFromErrors(valueFrom as JsonObject, value, `${place}.valueFrom`)];
  });
  const ofLists = itemsOf(container, 'envFrom').flatMap((entry, index) =>
    envFromErrors(entry, `${path}.envFrom`, index),
  );
  return [...ofVariables, ...ofLists];
}

function variableNameErrors(name: unknown, path: string): readonly FieldError[] {
  const text =
    "a valid environment variable name must consist only of printable ASCII characters other than '='";
  return /^[ -<>-~]*$/.test(textOf(name)) ? [] : [invalidValue(path, name, text)];
}

const oneText = 'may not have more than one field specified at a time';

function valueFromErrors(valueFrom: JsonObject, value: unknown, path: string): readonly FieldError[] {
  const checks = {
    fieldRef: fieldErrors,
    resourceFieldRef: resourceErrors,
    configMapKeyRef: keyErrors,
    secretKeyRef: keyErrors,
  };
  const given = Object.entries(checks).flatMap(([key, check]) => {
    const source = childOf(valueFrom, key);
    return source === undefined ? [] : [check(source, `${path}.${key}`)];
  });
  const errors = given.flat();
  const names = '`fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`';
  if (given.length === 0) errors.push(invalidValue(path, '', `must specify one of: ${names}`));
  else if (value) errors.push(invalidValue(path, '', 'may not be specified when `value` is not empty'));
  else if (given.length > 1) errors.push(invalidValue(path, '', oneText));
  return errors;
}

function fieldErrors({ apiVersion, fieldPath }: JsonObject, path: string): readonly FieldError[] {
  const place = `${path}.fieldPath`;
  if (!fieldPath) return [required(place)];
  const unknown = (why: string): FieldError[] => [
    invalidValue(place, fieldPath, `error converting fieldPath: ${why}`),
  ];
  if (apiVersion !== 'v1') return unknown(`unsupported pod version: ${textOf(apiVersion)}`);
  const text = textOf(fieldPath);
  const [, map, key = ''] = /^(.+?)\['(.*)'\]$/s.exec(text) ?? [];
  if (map === 'metadata.labels' || map === 'metadata.annotations') {
    const name = map === 'metadata.labels' ? key : key.toLowerCase();
    return qualifiedNameProblems(name).map((problem) => invalidValue(path, name, problem));
  }
  if (map !== undefined) return unknown(`field label does not support subscript: ${text}`);
  if (otherFieldPaths.includes(text)) return [notSupported(place, fieldPath, fieldPaths)];
  // The old name of `spec.nodeName`.
  if (fieldPaths.includes(text) || text === 'spec.host') return [];
  return unknown(`field label not supported: ${text}`);
}

function resourceErrors({ resource }: JsonObject, path: string): readonly FieldError[] {
  const place = `${path}.resource`;
  if (!resource) return [required(place)];
  const isKnown = resourceNames.includes(textOf(resource));
  if (isKnown || /^(limits|requests)\.hugepages-/.test(textOf(resource))) return [];
  return [notSupported(place, resource, resourceNames)];
}

function keyErrors({ name, key }: JsonObject, path: string): readonly FieldError[] {
  const ofName = nameProblems(textOf(name), 'subdomain').map((problem) =>
    invalidValue(`${path}.name`, textOf(name), problem),
  );
  return [...ofName, ...(key ? dataKeyErrors(textOf(key), `${path}.key`) : [required(`${path}.key`)])];
}

function envFromErrors(entry: JsonObject, path: string, index: number): readonly FieldError[] {
  const errors = [...variableNameErrors(entry['prefix'], `${path}[${index}].prefix`)];
  const given = ['configMapRef', 'secretRef'].filter((key) => childOf(entry, key) !== undefined);
  for (const key of given) {
    const place = `${path}[${index}].${key}.name`;
    const name = textOf(childOf(entry, key)?.['name']);
    if (name === '') errors.push(required(place));
    else errors.push(...nameProblems(name, 'subdomain').map((problem) => invalidValue(place, name, problem)));
  }
  // The original names the whole list here.
  if (given.length === 0)
    errors.push(invalidValue(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
  else if (given.length > 1) errors.push(invalidValue(path, '', oneText));
  return errors;
}
