import { fieldOf, itemsOf, textAt, type YamlNode } from '../../kube/yaml-tree.js';

export interface Probe {
  readonly kind: 'liveness' | 'readiness' | 'startup';
  readonly path: string;
  /** Undefined for a name that the container does not have. */
  readonly port: number | undefined;
  /** Empty for the pod's own address. */
  readonly host: string;
  readonly line: number;
}

/** What a manifest says about a container beside its command line. */
export interface PodFacts {
  /** Such as `DaemonSet kube-system/konnectivity-agent`. */
  readonly object: string;
  readonly container: string;
  /** True when the manifest itself says how many pods there are. */
  readonly scaled: boolean;
  /** How many pods run it; `nodes` for one on each node. */
  readonly copies: number | 'nodes';
  /** Undefined when the manifest leaves it to its user. */
  readonly namespace: string | undefined;
  readonly serviceAccount: string;
  readonly graceSeconds: number;
  readonly hostNetwork: boolean;
  /** Audiences of the pod's projected service-account tokens. */
  readonly tokenAudiences: readonly string[];
  readonly probes: readonly Probe[];
}

/** An object of a manifest that runs pods, and their specification. */
export interface Workload {
  readonly kind: string;
  readonly node: YamlNode;
  readonly spec: YamlNode;
}

export function podFacts({ kind, node, spec }: Workload, container: YamlNode): PodFacts {
  const namespace = textAt(node, 'metadata', 'namespace');
  const name = textAt(node, 'metadata', 'name') ?? textAt(node, 'metadata', 'generateName') ?? '(no name)';
  return {
    object: `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`,
    container: textAt(container, 'name') ?? '(no name)',
    scaled: fieldOf(node, 'spec', 'replicas') !== undefined,
    copies: kind === 'DaemonSet' ? 'nodes' : numberAt(node, 1, 'spec', 'replicas'),
    namespace,
    serviceAccount: textAt(spec, 'serviceAccountName') ?? textAt(spec, 'serviceAccount') ?? 'default',
    graceSeconds: numberAt(spec, 30, 'terminationGracePeriodSeconds'),
    hostNetwork: textAt(spec, 'hostNetwork') === 'true',
    tokenAudiences: itemsOf(fieldOf(spec, 'volumes'))
      .flatMap((volume) => itemsOf(fieldOf(volume, 'projected', 'sources')))
      .flatMap((source) => textAt(source, 'serviceAccountToken', 'audience') ?? []),
    probes: (['liveness', 'readiness', 'startup'] as const).flatMap((probe) => probeOf(container, probe)),
  };
}

function probeOf(container: YamlNode, kind: Probe['kind']): Probe[] {
  const get = fieldOf(container, `${kind}Probe`, 'httpGet');
  if (get === undefined) return [];
  const port = textAt(get, 'port') ?? '';
  const named = itemsOf(fieldOf(container, 'ports')).find((one) => textAt(one, 'name') === port);
  const number = Number((named === undefined ? undefined : textAt(named, 'containerPort')) ?? port);
  return [
    {
      kind,
      path: textAt(get, 'path') ?? '/',
      port: Number.isInteger(number) ? number : undefined,
      host: textAt(get, 'host') ?? '',
      line: get.line,
    },
  ];
}

function numberAt(node: YamlNode, fallback: number, ...path: readonly string[]): number {
  const value = Number(textAt(node, ...path) ?? fallback);
  return Number.isFinite(value) ? value : fallback;
}
