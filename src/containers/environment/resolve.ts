import type { Container, EnvVar, Pod, Service } from '../../kube/pod-objects.js';
import { expand } from './expand.js';
import { fieldValue, resourceValue } from './field-values.js';
import { serviceVariables } from './service-variables.js';

type Kind = 'secret' | 'configMap';
/** Texts by key; those of a Secret are decoded. */
type Data = Readonly<Record<string, string>>;

/** Where the variables of containers come from besides the pod itself. */
export interface EnvironmentSources {
  /** Undefined when there is no such object. Rejects with the kubelet's text when it cannot be read. */
  read(kind: Kind, namespace: string, name: string): Promise<Data | undefined>;
  readonly services: readonly Service[];
  /** Resolves when the services have been read; undefined when they have been. */
  readonly pending?: Promise<void> | undefined;
  /** What the node has for pods. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** A container cannot be started because of what its spec refers to. The text is the kubelet's. */
export class ConfigError extends Error {}

const apiService: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'kubernetes', namespace: 'default', uid: '', creationTimestamp: '' },
  spec: {
    clusterIP: '10.96.0.1',
    clusterIPs: ['10.96.0.1'],
    type: 'ClusterIP',
    ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: 6443 }],
  },
};

/** The sources of a kubelet without an API. */
export const withoutApi: EnvironmentSources = {
  read: (kind, namespace, name) =>
    Promise.reject(new Error(`couldn't get ${kind} ${namespace}/${name}, no kubeClient defined`)),
  services: [apiService],
  allocatable: {},
};

/**
 * The container as it is to be run: with plain values in `env`, and without references in `command` and `args`. Waits
 * only if something must be read. Rejects or throws a ConfigError.
 */
export function resolveContainer(
  pod: Pod,
  container: Container,
  sources: EnvironmentSources,
): Container | Promise<Container> {
  const wanted = referencesOf(container);
  if (wanted.size === 0 && sources.pending === undefined) return resolved(pod, container, sources, new Map());
  return readAll(pod, container, sources);
}

const keyOf = (kind: Kind, name: string): string => `${kind}/${name}`;

/** The objects that a container refers to, without repetition. */
function referencesOf({ env = [], envFrom = [] }: Container): Map<string, readonly [Kind, string]> {
  const all = [
    ...envFrom.map(({ secretRef, configMapRef }) => ({ secret: secretRef, configMap: configMapRef })),
    ...env.map(({ valueFrom = {} }) => ({
      secret: valueFrom.secretKeyRef,
      configMap: valueFrom.configMapKeyRef,
    })),
  ];
  const pairs = all.flatMap((each) =>
    (['secret', 'configMap'] as const).flatMap((kind) => {
      const name = each[kind]?.name;
      return name === undefined ? [] : [[keyOf(kind, name), [kind, name]] as const];
    }),
  );
  return new Map(pairs);
}

async function readAll(pod: Pod, container: Container, sources: EnvironmentSources): Promise<Container> {
  await sources.pending;
  const { namespace } = pod.metadata;
  const reads = [...referencesOf(container)].map(async ([key, [kind, name]]) => {
    const data = await sources.read(kind, namespace, name).catch((caught: unknown) => caught as Error);
    return [key, data] as const;
  });
  return resolved(pod, container, sources, new Map(await Promise.all(reads)));
}

type Known = ReadonlyMap<string, Data | Error | undefined>;

function resolved(pod: Pod, container: Container, sources: EnvironmentSources, known: Known): Container {
  const variables = new Map<string, string>();
  const services = serviceVariables(pod, sources.services);
  const { namespace } = pod.metadata;

  const dataOf = (kind: Kind, name: string, optional = false): Data | undefined => {
    const data = known.get(keyOf(kind, name));
    if (data instanceof Error) throw new ConfigError(data.message);
    if (data === undefined && !optional) throw new ConfigError(`${kind.toLowerCase()} "${name}" not found`);
    return data;
  };
  const keyRefValue = (kind: Kind, ref: KeyRef): string | undefined => {
    const data = dataOf(kind, ref.name, ref.optional);
    const value = data !== undefined && Object.hasOwn(data, ref.key) ? data[ref.key] : undefined;
    if (value !== undefined || ref.optional === true) return value;
    const shown = kind === 'secret' ? 'Secret' : 'ConfigMap';
    throw new ConfigError(`couldn't find key ${ref.key} in ${shown} ${namespace}/${ref.name}`);
  };
  const valueOf = ({ value = '', valueFrom = {} }: EnvVar): string | undefined => {
    const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
    // The pod's own variables come before those of services.
    if (value !== '') return expand(value, new Map([...services, ...variables]));
    if (fieldRef !== undefined) return fieldValue(pod, fieldRef.fieldPath);
    if (resourceFieldRef !== undefined) {
      const { containerName = container.name } = resourceFieldRef;
      const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
      const named =
        containerName === container.name ? container : all.find(({ name }) => name === containerName);
      if (named === undefined) throw new ConfigError(`container ${containerName} not found`);
      return resourceValue(named, resourceFieldRef, sources.allocatable);
    }
    if (configMapKeyRef !== undefined) return keyRefValue('configMap', configMapKeyRef);
    return secretKeyRef === undefined ? '' : keyRefValue('secret', secretKeyRef);
  };

  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const kind = secretRef === undefined ? 'configMap' : 'secret';
    const ref = secretRef ?? configMapRef;
    const data = ref === undefined ? undefined : dataOf(kind, ref.name, ref.optional);
    for (const [key, value] of Object.entries(data ?? {})) variables.set(prefix + key, value);
  }
  for (const each of container.env ?? []) {
    const value = valueOf(each);
    if (value !== undefined) variables.set(each.name, value);
  }
  const all = new Map([...services, ...variables]);
  const words = (list: readonly string[] = []): readonly string[] => list.map((word) => expand(word, all));
  return {
    ...container,
    command: words(container.command),
    args: words(container.args),
    env: [...all].map(([name, value]) => ({ name, value })),
  };
}

interface KeyRef {
  readonly name: string;
  readonly key: string;
  readonly optional?: boolean;
}
