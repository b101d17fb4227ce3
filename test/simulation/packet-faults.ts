import type { Clock } from '../../src/core/clock.js';
import type { Packet, PacketKind } from '../../src/core/packet.js';
import type { Congestible } from '../../src/core/port.js';
import type { MemoryEnd, MemoryOwner } from '../support/memory-stream.js';

/** What happens to the next packet of a kind. */
export type PacketFault = 'lose' | 'repeat' | 'delay';

/** How long a late packet is late, ms. */
const lateMs = 700;

/**
 * The kinds that a fault may hit. DATA has no number on the wire, so that it must not be lost, and its order not be
 * changed; the same holds for credit, and for DIAL_RSP, which must come before DATA (R16).
 */
export const hitBy: Readonly<Record<PacketFault, readonly PacketKind[]>> = {
  lose: ['DIAL_REQ', 'DIAL_RSP', 'DIAL_CLS', 'CLOSE_REQ', 'CLOSE_RSP', 'HELD'],
  repeat: ['DIAL_CLS', 'CLOSE_REQ', 'CLOSE_RSP', 'HELD', 'DRAIN'],
  delay: ['DIAL_REQ', 'DIAL_CLS', 'CLOSE_REQ', 'CLOSE_RSP', 'HELD'],
};

/** Faults in our own ends of an agent's stream, where TLS and TCP have done their work already. */
export class PacketFaults {
  private readonly clock: Clock;
  private readonly next: Record<PacketFault, Set<PacketKind>> = {
    lose: new Set(),
    repeat: new Set(),
    delay: new Set(),
  };

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Hits the next packet of this kind, at either end of any agent's stream. */
  add(fault: PacketFault, kind: PacketKind): void {
    this.next[fault].add(kind);
  }

  clear(): void {
    for (const kinds of Object.values(this.next)) kinds.clear();
  }

  /** The owner of `end` behind the faults. */
  before(end: MemoryEnd, owner: MemoryOwner): MemoryOwner {
    return { ...owner, packet: (packet) => this.pass(end, owner, packet) };
  }

  private pass(end: MemoryEnd, owner: MemoryOwner, packet: Packet): Congestible | undefined {
    const { lose, repeat, delay } = this.next;
    if (lose.delete(packet.kind)) return undefined;
    if (delay.delete(packet.kind)) {
      this.clock.after(lateMs, () => {
        if (!end.over) owner.packet(packet);
      });
      return undefined;
    }
    if (repeat.delete(packet.kind)) owner.packet(packet);
    return owner.packet(packet);
  }
}
