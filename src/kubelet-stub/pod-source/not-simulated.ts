import type { Pod } from '../../kube/pod-objects.js';

/** What a pod may ask for and does not get here: fields of its spec, and of its containers. */
export const notSimulatedFields = {
  pod: [
    'activeDeadlineSeconds',
    'affinity',
    'dnsConfig',
    'hostAliases',
    'hostIPC',
    'hostPID',
    'readinessGates',
    'runtimeClassName',
    'securityContext',
    'shareProcessNamespace',
    'topologySpreadConstraints',
    'volumes',
  ],
  container: [
    'lifecycle',
    'livenessProbe',
    'ports.hostPort',
    'readinessProbe',
    'resources.limits',
    'securityContext',
    'startupProbe',
    'volumeDevices',
    'volumeMounts',
  ],
} as const;

const maxBytes = 1024;

/** The text of one warning about all such fields of a pod; undefined when it asks for none of them. */
export function notSimulated({ spec }: Pod): string | undefined {
  const { initContainers = [], containers } = spec;
  const ofContainers = Object.entries({ initContainers, containers }).flatMap(([list, all]) =>
    all.flatMap((container) =>
      notSimulatedFields.container
        .filter((path) => asksFor(container, path.split('.')))
        .map((path) => `spec.${list}{${container.name}}.${path}`),
    ),
  );
  const ofPod = notSimulatedFields.pod
    .filter((path) => asksFor(spec, path.split('.')))
    .map((path) => `spec.${path}`);
  const all = [...ofContainers, ...ofPod];
  if (all.length === 0) return undefined;
  let text = `konnsim does not simulate: ${all[0] ?? ''}`;
  for (const [index, field] of all.entries()) {
    if (index === 0) continue;
    if (text.length + field.length > maxBytes - 20) return `${text} and ${all.length - index} more`;
    text += `, ${field}`;
  }
  return text;
}

/** Whether something is said there; an empty object, list or text says nothing, and neither does `false`. */
function asksFor(value: unknown, [key, ...rest]: readonly string[]): boolean {
  if (Array.isArray(value) && key !== undefined) return value.some((each) => asksFor(each, [key, ...rest]));
  if (key !== undefined) return asksFor((value as Record<string, unknown> | undefined)?.[key], rest);
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}
