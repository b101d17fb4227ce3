import type { LabEvent, PacketName } from '../../core/events.js';
import { type Hop, HopPairing } from '../../observe/ladder-hops.js';
import type { Lane } from '../../observe/ladder-step.js';
import { roleOf } from './state.js';

/** A packet between two parts, from when it was sent until it was seen at the other end. */
export interface Passage {
  readonly hop: Hop;
  readonly seq: number;
  readonly from: string;
  readonly to: string;
  readonly request: string | undefined;
}

const lanes: Readonly<Record<string, Lane>> = {
  client: 'client',
  apiserver: 'client',
  server: 'server',
  agent: 'agent',
};

/** Finds both ends of each packet. DATA has no dial ID; the DIAL_RSP with both IDs on the same stream gives it. */
export class Passages {
  readonly list: Passage[] = [];
  private readonly pairing = new HopPairing();
  private readonly owners = new Map<string, string>();
  /** Who dialled: a server calls all its frontends `client/frontend-1`. */
  private readonly frontends = new Map<
    string,
    { readonly id: string; readonly request: string | undefined }
  >();

  add(event: LabEvent): void {
    const dialId = this.dialOf(event);
    if (event.kind === 'dial.started' && dialId !== undefined && roleOf(event.node) !== 'server')
      this.frontends.set(dialId, { id: event.node, request: event.request });
    if (event.kind !== 'packet') return;
    const [node, peer] = [this.named(event.node, dialId), this.named(event.peer, dialId)];
    const [from, to] = event.dir === 'out' ? [node, peer] : [peer, node];
    const [fromLane, toLane] = [lanes[roleOf(from)], lanes[roleOf(to)]];
    if (fromLane === undefined || toLane === undefined) return;
    const hop = this.pairing.add(event, { from: fromLane, to: toLane }, dialId);
    const request = event.request ?? (dialId === undefined ? undefined : this.frontends.get(dialId)?.request);
    if (hop !== undefined) this.list.push({ hop, seq: event.seq, from, to, request });
  }

  private dialOf({ node, peer = '', dialId, connectId }: LabEvent): string | undefined {
    const key = connectId === undefined ? undefined : `${node} ${peer} ${connectId}`;
    if (dialId === undefined) return key === undefined ? undefined : this.owners.get(key);
    if (key !== undefined) this.owners.set(key, dialId);
    return dialId;
  }

  private named(id: string, dialId: string | undefined): string {
    if (!id.startsWith('client/') || dialId === undefined) return id;
    return this.frontends.get(dialId)?.id ?? id;
  }
}

/** How a packet counts: shape and colour of its mark. */
export type Family = 'dial' | 'data' | 'close' | 'drain';

const families: Readonly<Record<PacketName, Family>> = {
  DIAL_REQ: 'dial',
  DIAL_RSP: 'dial',
  DIAL_CLS: 'close',
  CLOSE_REQ: 'close',
  CLOSE_RSP: 'close',
  DATA: 'data',
  DRAIN: 'drain',
  WINDOW_UPDATE: 'data',
  HELD: 'close',
};

export const familyOf = (packet: PacketName): Family => families[packet];

/**
 * True when a packet was sent on a connection of an agent, and the other end never saw it. On the control plane's side a
 * frontend that gives up ends its stream with its last packet still in it: that is no loss.
 */
export function isLost({ hop, from, to }: Passage, nowMs: number, reporting: ReadonlySet<string>): boolean {
  if (hop.arrivedAt !== undefined || !reporting.has(roleOf(to))) return false;
  if (roleOf(from) !== 'agent' && roleOf(to) !== 'agent') return false;
  return hop.overtaken || nowMs - hop.t > 1000;
}
