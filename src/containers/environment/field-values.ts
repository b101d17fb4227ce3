import type { Container, EnvSource, Pod } from '../../kube/pod-objects.js';

/** The value of a `fieldRef`; a missing label or annotation is empty. Undefined for a field that has no value. */
export function fieldValue({ metadata, spec, status }: Pod, path: string): string | undefined {
  const [, list, key = ''] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path) ?? [];
  if (list === 'labels' || list === 'annotations') {
    const entries = metadata[list] ?? {};
    return Object.hasOwn(entries, key) ? entries[key] : '';
  }
  switch (path) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace;
    case 'metadata.uid':
      return metadata.uid;
    case 'spec.nodeName':
      return spec.nodeName;
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? '';
    case 'status.hostIP':
    case 'status.hostIPs':
      return status.hostIP;
    case 'status.podIP':
      return status.podIP;
    case 'status.podIPs':
      return status.podIPs.map(({ ip }) => ip).join(',');
    default:
      return undefined;
  }
}

type ResourceRef = NonNullable<EnvSource['resourceFieldRef']>;

/** The value of a `resourceFieldRef`. Without a limit it is what the node has; without a request it is 0. */
export function resourceValue(
  { resources = {} }: Container,
  { resource, divisor = '1' }: ResourceRef,
  allocatable: Readonly<Record<string, string>>,
): string {
  const [kind, name = ''] = resource.split(/\.(.*)/);
  const amount =
    kind === 'limits' ? (resources.limits?.[name] ?? allocatable[name]) : resources.requests?.[name];
  const unit = quantity(String(divisor)) || 1;
  // Rounded up in the units in which a kubelet counts: thousandths of a processor, else whole ones.
  const scale = name === 'cpu' ? 1000 : 1;
  const count = (value: number): number => Math.ceil(Number((value * scale).toPrecision(15)));
  return String(Math.ceil(count(quantity(String(amount ?? '0'))) / count(unit)));
}

const decimal = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const binary = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** The number of a Kubernetes quantity such as `250m`, `1.5Gi` or `1e3`; 0 when it is none. */
function quantity(text: string): number {
  const [, number = '0', suffix = ''] = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([a-zA-Z]*)$/.exec(text) ?? [];
  if (binary.indexOf(suffix) > 0) return Number(number) * 1024 ** binary.indexOf(suffix);
  const power = decimal.indexOf(suffix) - 3;
  return power < -3 ? 0 : Number(number) * 1000 ** power;
}
