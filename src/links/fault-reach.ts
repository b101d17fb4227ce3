import { type Edge, edgeText } from './edge.js';
import type { FaultReach, LinkView } from './fault.js';
import type { FaultPlan } from './fault-plan.js';
import type { LinkFlow } from './link-fault.js';
import type { PartFault } from './part-fault.js';

/** A fault that is on links. */
interface OnLinks {
  readonly id: string;
  hasLink(edge: Edge): boolean;
}

/** What there is that faults can be on. */
export interface Ground {
  readonly edges: () => Iterable<Edge>;
  readonly flows: () => Iterable<LinkFlow>;
  readonly parts: readonly string[];
}

/** How many links a reach names. */
const mostLinks = 1000;

/** What a fault, which is not set, would be on and could hit now. */
export function reachOf(plan: FaultPlan, fault: OnLinks | PartFault, ground: Ground): FaultReach {
  const none = { action: plan.name, links: [], flows: [], parts: [] };
  if (!('hasLink' in fault)) return { ...none, parts: partsOf(fault, ground.parts) };
  const links: string[] = [];
  for (const link of linkViews(ground, [], (edge) => fault.hasLink(edge))) {
    if (links.push(edgeText(link)) === mostLinks) break;
  }
  const { kind, level } = plan;
  const hitsOpen = level === 'packet' || 'stage' in kind || 'strike' in kind;
  const flows = hitsOpen ? [...ground.flows()].filter(({ edge }) => fault.hasLink(edge)) : [];
  return {
    ...none,
    links,
    flows: flows.map(({ edge, number: flow }) => ({ flow, link: edgeText(edge) })),
  };
}

/** The links that exist, and those that have come into being with a dial. A large lab has very many. */
export function* linkViews(
  { edges, flows }: Pick<Ground, 'edges' | 'flows'>,
  faults: readonly OnLinks[],
  isWanted: (edge: Edge) => boolean,
): Generator<LinkView> {
  const open = new Map<string, { readonly edge: Edge; readonly flows: string[] }>();
  for (const { edge, number } of flows()) {
    const link = open.get(edgeText(edge)) ?? { edge, flows: [] };
    link.flows.push(number);
    open.set(edgeText(edge), link);
  }
  const view = ({ from, to }: Edge): LinkView => {
    const own = open.get(edgeText({ from, to }))?.flows ?? [];
    open.delete(edgeText({ from, to }));
    const on = faults.filter((fault) => fault.hasLink({ from, to }));
    return { from, to, flows: own, faults: on.map(({ id }) => id) };
  };
  for (const edge of edges()) if (isWanted(edge)) yield view(edge);
  for (const { edge } of [...open.values()]) if (isWanted(edge)) yield view(edge);
}

/** The parts that a fault is on: those that it names, as far as they can have it. */
export function partsOf(fault: PartFault, names: readonly string[]): readonly string[] {
  return names.filter((name) => fault.hasPart(name) && canHave(fault, name));
}

/** True when a part of this role can have the fault. */
export function canHave({ plan }: PartFault, name: string): boolean {
  return plan.kind.roles.some((role) => name.startsWith(`${role}/`));
}
