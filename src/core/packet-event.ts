import type { EventBody } from './events.js';
import { type Packet, payloadBytes } from './packet.js';

/** The journal's event for a packet. Undefined for an unknown type. */
export function packetEvent(
  node: string,
  peer: string,
  dir: 'in' | 'out',
  packet: Packet,
): EventBody | undefined {
  if (packet.kind === 'UNKNOWN') return undefined;
  const bytes = packet.kind === 'DATA' ? payloadBytes(packet) : 0;
  return { kind: 'packet', node, peer, dir, packet: packet.kind, bytes, ...idsOf(packet), ...textOf(packet) };
}

/** The dial and the connection that a packet names. */
export function idsOf(packet: Packet): { dialId?: string; connectId?: string } {
  return {
    ...('dialId' in packet ? { dialId: packet.dialId.toString() } : {}),
    ...('connectId' in packet && packet.connectId !== 0n ? { connectId: packet.connectId.toString() } : {}),
  };
}

function textOf(packet: Packet): { text?: string } {
  if (packet.kind === 'DIAL_REQ') return { text: packet.address };
  if ((packet.kind === 'DIAL_RSP' || packet.kind === 'CLOSE_RSP') && packet.error !== '') {
    return { text: packet.error };
  }
  return {};
}
