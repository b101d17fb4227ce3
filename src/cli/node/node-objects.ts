import { InvalidArgumentError } from 'commander';
import type { Node, Pod, Taint } from '../../kube/pod-objects.js';
import type { Topology } from '../../lab/topology.js';
import type { NodeSeed } from './hollow-node.js';

export interface NodeObjectFlags {
  readonly firstNode: number;
  readonly nodeLabels?: Readonly<Record<string, string>>;
  readonly registerWithTaints?: readonly Taint[];
}

/**
 * The nodes from the first one on, as they register. Without an API they run the standard pods, which an API façade shows;
 * with one, `pods` is false, and the API decides.
 */
export function nodeSeeds(
  { nodes, objects }: Topology,
  { firstNode, nodeLabels = {}, registerWithTaints: taints }: NodeObjectFlags,
  { pods: wanted }: { readonly pods: boolean },
): readonly NodeSeed[] {
  const podsOf = new Map(nodes.map(({ name }) => [name, [] as Pod[]]));
  for (const pod of wanted ? objects.pods : []) podsOf.get(pod.spec.nodeName)?.push(pod);
  const own = (object: Node): Node => ({
    ...object,
    metadata: { ...object.metadata, labels: { ...object.metadata.labels, ...nodeLabels } },
    spec: { ...object.spec, ...(taints === undefined ? {} : { taints }) },
  });
  return objects.nodes.slice(firstNode - 1).flatMap((object, index) => {
    const spec = nodes[firstNode - 1 + index];
    if (spec === undefined) return [];
    return [{ spec, object: own(object), pods: podsOf.get(spec.name) ?? [] }];
  });
}

/** Reads `key=value,key=value`. */
export function parseLabels(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(',').map((pair) => /^([^=,\s]+)=([^=,\s]*)$/.exec(pair));
  if (pairs.some((pair) => pair === null)) throw new InvalidArgumentError(`"${text}" is not KEY=VALUE,…`);
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']));
}

/** Reads `key=value:effect,key:effect`. */
export function parseTaints(text: string): readonly Taint[] {
  return text.split(',').map((taint) => {
    const [, key = '', value, effect] =
      /^([^=:\s]+)(?:=([^=:\s]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(taint) ?? [];
    if (key === '') {
      const effects = 'NoSchedule, PreferNoSchedule or NoExecute';
      throw new InvalidArgumentError(`"${taint}" is not KEY=VALUE:EFFECT with ${effects}.`);
    }
    return { key, ...(value === undefined ? {} : { value }), effect: effect as Taint['effect'] };
  });
}
