import { TunnelError } from '../core/errors.js';
import { type Edge, edgeText } from './edge.js';
import type { FaultPlan } from './fault-plan.js';
import { canHave, type Ground, partsOf } from './fault-reach.js';
import type { LinkFault } from './link-fault.js';
import type { PacketFault } from './packet-fault.js';
import type { PartFault } from './part-fault.js';

/** Throws LINK_NOT_FOUND for a fault on links that do not exist. */
export function checkLinks(fault: LinkFault, on: FaultPlan['on'], edges?: () => Iterable<Edge>): void {
  // These come into being with a dial.
  if (edges === undefined || /^(endpoint|webhook)\//.test(on.to ?? '')) return;
  const known = [...edges()];
  if (known.some((edge) => fault.hasLink(edge) || fault.hasLink(anyOf(edge, on)))) return;
  throw noLink(`no link ${placeText(on)}; there are ${some(known.map(edgeText))}`);
}

/**
 * Throws LINK_NOT_FOUND for a fault on links without packets. Only streams to a proxy-server have them, also that of a
 * stranger, such as Konnectivity's agent.
 */
export function checkPackets(fault: PacketFault, on: FaultPlan['on'], edges: readonly Edge[]): void {
  const known = edges.filter((edge) => edge.to.startsWith('server/'));
  if (known.some((edge) => fault.hasLink(edge))) return;
  if (known.length === 0) throw noLink('a device on the way sees no packets: TLS hides them');
  throw noLink(`no link ${placeText(on)} has packets; there are ${some([...new Set(known.map(edgeText))])}`);
}

/** Throws NODE_NOT_FOUND for a fault of parts that do not exist, or cannot have it. */
export function checkParts(fault: PartFault, ground: Ground): void {
  const { parts } = ground;
  if (partsOf(fault, parts).length > 0) return;
  const { name, on } = fault.plan;
  if (parts.length === 0) throw noLink(`${name} is a fault of parts, and a device on the way has none`);
  const isNamed = parts.some((part) => fault.hasPart(part));
  const able = parts.filter((part) => canHave(fault, part));
  const wrong = isNamed ? `${on.part} cannot have ${name}` : `no part is called ${on.part}`;
  throw new TunnelError('NODE_NOT_FOUND', `${wrong}; there are ${some(able)}`, { where: 'links' });
}

function noLink(text: string): TunnelError {
  return new TunnelError('LINK_NOT_FOUND', text, { where: 'links' });
}

/** The edge from whom a fault names, if `edge` is one from anybody of that role: `client/*`. */
function anyOf(edge: Edge, { from = '*' }: FaultPlan['on']): Edge {
  const [role = ''] = edge.from.split('*');
  return edge.from.endsWith('/*') && from.startsWith(role) ? { ...edge, from } : edge;
}

/** `agent/node-1 → server/1`. */
function placeText({ from = '*', to = '*', part, between, and = [] }: FaultPlan['on']): string {
  if (part !== undefined) return `of ${part}`;
  return between === undefined ? `${from} → ${to}` : `between ${between.join(', ')} and ${and.join(', ')}`;
}

/** How many names an error lists. */
const maxNamed = 20;

function some(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  const more = names.length > maxNamed ? `, and ${names.length - maxNamed} more` : '';
  return `${names.slice(0, maxNamed).join(', ')}${more}`;
}
