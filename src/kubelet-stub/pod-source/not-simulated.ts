import type { Pod } from '../../kube/pod-objects.js';

/** What a pod may ask for and does not get here: fields of its spec, and of its containers. */
export const notSimulatedFields = {
  pod: [
    'activeDeadlineSeconds',
    'affinity',
    'dnsConfig',
    'dnsPolicy',
    'hostAliases',
    'hostIPC',
    'hostPID',
    'hostUsers',
    'imagePullSecrets',
    'os.name',
    'priorityClassName',
    'readinessGates',
    'resourceClaims',
    'resources',
    'runtimeClassName',
    'securityContext',
    'setHostnameAsFQDN',
    'shareProcessNamespace',
    'subdomain',
    'topologySpreadConstraints',
    'volumes',
  ],
  container: [
    'lifecycle',
    'livenessProbe',
    'ports.hostIP',
    'ports.hostPort',
    'readinessProbe',
    'resizePolicy',
    'resources',
    'securityContext',
    'startupProbe',
    'targetContainerName',
    'volumeDevices',
    'volumeMounts',
  ],
} as const;

/** What these fields say when they ask for nothing. */
const usual: Readonly<Record<string, string | boolean>> = {
  dnsPolicy: 'ClusterFirst',
  hostUsers: true,
  'os.name': 'linux',
};

const maxBytes = 1024;

/**
 * The text of one warning about the fields that a pod asks for in vain. Fields in `told` are left out, the others are added to
 * it. Undefined when no field is left.
 */
export function notSimulated({ spec }: Pod, told: Set<string>): string | undefined {
  const { initContainers = [], containers, ephemeralContainers = [] } = spec;
  const lists = Object.entries({ initContainers, containers, ephemeralContainers });
  const ofContainers = lists.flatMap(([list, all]) =>
    all.flatMap((container) =>
      asked(container, notSimulatedFields.container).map((path) => `spec.${list}{${container.name}}.${path}`),
    ),
  );
  const ofPod = asked(spec, notSimulatedFields.pod).map((path) => `spec.${path}`);
  const all = [...ofContainers, ...ofPod].filter((field) => !told.has(field));
  for (const field of all) told.add(field);
  if (all.length === 0) return undefined;
  let text = `konnsim does not simulate: ${all[0] ?? ''}`;
  for (const [index, field] of all.entries()) {
    if (index === 0) continue;
    if (text.length + field.length > maxBytes - 20) return `${text} and ${all.length - index} more`;
    text += `, ${field}`;
  }
  return text;
}

function asked(value: object, paths: readonly string[]): readonly string[] {
  return paths.filter((path) => asksFor(value, path.split('.'), usual[path] ?? false));
}

/** Whether something is said there that is not usual; an empty object, list or text says nothing. */
function asksFor(value: unknown, [key, ...rest]: readonly string[], usually: string | boolean): boolean {
  if (key !== undefined) {
    if (Array.isArray(value)) return value.some((each) => asksFor(each, [key, ...rest], usually));
    return asksFor((value as Record<string, unknown> | undefined)?.[key], rest, usually);
  }
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return value !== usually && value !== undefined && value !== null && value !== '' && value !== 0;
}
