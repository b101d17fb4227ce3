import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  notFoundValue,
  notSupported,
  required,
} from '../request/invalid.js';
import { childOf, itemsOf, type JsonObject, sameJson, setDefault, textOf } from '../resources/json.js';
import { environmentErrors } from './environment-errors.js';
import { nameProblems } from './names.js';

const restartPolicies = ['Always', 'OnFailure', 'Never'];
const pullPolicies = ['Always', 'IfNotPresent', 'Never'];
const protocols = ['TCP', 'UDP', 'SCTP'];
const containerLists = ['initContainers', 'containers', 'ephemeralContainers'] as const;

type ContainerList = (typeof containerLists)[number];

/** Defaults of a pod's spec, in a pod or in a template. */
export function defaultPodSpec(spec: JsonObject): void {
  setDefault(spec, 'restartPolicy', 'Always');
  setDefault(spec, 'terminationGracePeriodSeconds', 30);
  setDefault(spec, 'dnsPolicy', 'ClusterFirst');
  setDefault(spec, 'securityContext', {});
  setDefault(spec, 'schedulerName', 'default-scheduler');
  // The old name of the same field.
  const account = spec['serviceAccountName'] || spec['serviceAccount'];
  if (account) Object.assign(spec, { serviceAccountName: account, serviceAccount: account });
  for (const key of containerLists)
    for (const container of itemsOf(spec, key)) defaultContainer(container, key);
  for (const volume of itemsOf(spec, 'volumes')) defaultVolume(volume);
}

function defaultContainer(container: JsonObject, list: ContainerList): void {
  setDefault(container, 'terminationMessagePath', '/dev/termination-log');
  setDefault(container, 'terminationMessagePolicy', 'File');
  setDefault(container, 'imagePullPolicy', isLatest(container['image']) ? 'Always' : 'IfNotPresent');
  if (list !== 'ephemeralContainers') setDefault(container, 'resources', {});
  for (const port of itemsOf(container, 'ports')) setDefault(port, 'protocol', 'TCP');
  for (const entry of itemsOf(container, 'env')) {
    const reference = childOf(childOf(entry, 'valueFrom') ?? {}, 'fieldRef');
    if (reference !== undefined) setDefault(reference, 'apiVersion', 'v1');
  }
  for (const key of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = childOf(container, key);
    if (probe !== undefined) defaultProbe(probe);
  }
}

function defaultProbe(probe: JsonObject): void {
  setDefault(probe, 'timeoutSeconds', 1);
  setDefault(probe, 'periodSeconds', 10);
  setDefault(probe, 'successThreshold', 1);
  setDefault(probe, 'failureThreshold', 3);
  const get = childOf(probe, 'httpGet');
  if (get === undefined) return;
  setDefault(get, 'path', '/');
  setDefault(get, 'scheme', 'HTTP');
}

function defaultVolume(volume: JsonObject): void {
  for (const [key, mode] of [
    ['secret', 420],
    ['configMap', 420],
    ['projected', 420],
    ['downwardAPI', 420],
  ] as const) {
    const source = childOf(volume, key);
    if (source !== undefined) setDefault(source, 'defaultMode', mode);
  }
  if (Object.keys(volume).length === 1 && volume['name'] !== undefined) volume['emptyDir'] = {};
}

/** An image without a tag means the latest. */
function isLatest(image: unknown): boolean {
  const name = textOf(image).split('/').at(-1) ?? '';
  if (name.includes('@')) return false;
  return !name.includes(':') || name.endsWith(':latest');
}

/** The errors of a pod's spec; `path` is its path in the object. */
export function podSpecErrors(spec: JsonObject, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (itemsOf(spec, 'containers').length === 0) errors.push(required(`${path}.containers`));
  const names = new Set<string>();
  for (const key of containerLists)
    for (const [index, container] of itemsOf(spec, key).entries()) {
      const place = `${path}.${key}[${index}]`;
      errors.push(...containerErrors(container, place, names), ...placeErrors(container, key, place));
    }
  const policy = spec['restartPolicy'];
  if (!restartPolicies.includes(textOf(policy)))
    errors.push(notSupported(`${path}.restartPolicy`, policy, restartPolicies));
  const volumes = new Set(itemsOf(spec, 'volumes').map(({ name }) => textOf(name)));
  for (const key of containerLists)
    for (const [index, container] of itemsOf(spec, key).entries())
      errors.push(...mountErrors(container, `${path}.${key}[${index}]`, volumes));
  return [...errors, ...volumeErrors(spec, path)];
}

function containerErrors(container: JsonObject, path: string, names: Set<string>): readonly FieldError[] {
  const { name, image, imagePullPolicy } = container;
  const errors: FieldError[] = [];
  if (!name) errors.push(required(`${path}.name`));
  else {
    errors.push(
      ...nameProblems(textOf(name), 'label').map((text) => invalidValue(`${path}.name`, name, text)),
    );
    if (names.has(textOf(name))) errors.push(duplicate(`${path}.name`, name));
    names.add(textOf(name));
  }
  if (!image) errors.push(required(`${path}.image`));
  else if (image !== textOf(image).trim())
    errors.push(invalidValue(`${path}.image`, image, 'must not have leading or trailing whitespace'));
  if (!pullPolicies.includes(textOf(imagePullPolicy)))
    errors.push(notSupported(`${path}.imagePullPolicy`, imagePullPolicy, pullPolicies));
  for (const [index, port] of itemsOf(container, 'ports').entries())
    errors.push(...portErrors(port, `${path}.ports[${index}]`));
  return [...errors, ...environmentErrors(container, path)];
}

const hooks = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'];

/** The errors of fields that only containers of other lists may have. */
function placeErrors(container: JsonObject, list: ContainerList, path: string): readonly FieldError[] {
  const forbidden = (fields: readonly string[], text: string): readonly FieldError[] =>
    fields
      .filter((field) => !isEmpty(container[field]))
      .map((field) => forbiddenField(`${path}.${field}`, text));
  const { restartPolicy } = container;
  switch (list) {
    case 'containers':
      return forbidden(['restartPolicy'], 'may not be set for non-init containers');
    case 'initContainers': {
      if (restartPolicy === 'Always') return [];
      const text = 'may not be set for init containers without restartPolicy=Always';
      const errors = forbidden(hooks, text);
      if (restartPolicy === undefined) return errors;
      return [notSupported(`${path}.restartPolicy`, restartPolicy, ['Always']), ...errors];
    }
    case 'ephemeralContainers': {
      const fields = [...hooks, 'ports', 'resources', 'resizePolicy', 'restartPolicy'];
      return forbidden(fields, 'cannot be set for an Ephemeral Container');
    }
  }
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined || (typeof value === 'object' && sameJson(value, Array.isArray(value) ? [] : {}))
  );
}

function portErrors({ containerPort, protocol }: JsonObject, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (containerPort === undefined || containerPort === 0) errors.push(required(`${path}.containerPort`));
  else if (!isPort(containerPort))
    errors.push(invalidValue(`${path}.containerPort`, containerPort, portText));
  if (!protocols.includes(textOf(protocol)))
    errors.push(notSupported(`${path}.protocol`, protocol, protocols));
  return errors;
}

export const portText = 'must be between 1 and 65535, inclusive';

export function isPort(value: unknown): boolean {
  return typeof value === 'number' && value >= 1 && value <= 65_535;
}

function mountErrors(
  container: JsonObject,
  path: string,
  volumes: ReadonlySet<string>,
): readonly FieldError[] {
  return itemsOf(container, 'volumeMounts').flatMap(({ name, mountPath }, index) => {
    const place = `${path}.volumeMounts[${index}]`;
    const errors: FieldError[] = [];
    if (!name) errors.push(required(`${place}.name`));
    else if (!volumes.has(textOf(name))) errors.push(notFoundValue(`${place}.name`, name));
    if (!mountPath) errors.push(required(`${place}.mountPath`));
    return errors;
  });
}

function volumeErrors(spec: JsonObject, path: string): readonly FieldError[] {
  const names = new Set<string>();
  return itemsOf(spec, 'volumes').flatMap(({ name }, index) => {
    const place = `${path}.volumes[${index}].name`;
    if (!name) return [required(place)];
    const errors = nameProblems(textOf(name), 'label').map((text) => invalidValue(place, name, text));
    if (names.has(textOf(name))) errors.push(duplicate(place, name));
    names.add(textOf(name));
    return errors;
  });
}
