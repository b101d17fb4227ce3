import type { Clock, Timer } from '../core/clock.js';
import { dataPacket, type Packet, type PacketKind, payloadBytes } from '../core/packet.js';
import type { Congestible } from '../core/port.js';
import { Waiters } from '../core/waiters.js';
import type { FlowSide } from './flow.js';

/** A packet that waits. */
export interface HeldPacket {
  /** The fault that keeps it back. */
  readonly by: object;
  readonly from: FlowSide;
  readonly packet: Packet;
  /** How long it waits, ms. Default: without limit. */
  readonly delayMs?: number;
  /** It waits until such a packet of the same connection or dial has passed, in either direction. */
  readonly past?: PacketKind;
}

/** How many bytes of one stream may wait. After that its sources are not read. */
const maxHeldBytes = 1024 * 1024;
/** About what a packet needs beside its payload, bytes. */
const overheadBytes = 64;

/** The packets of one stream that faults keep back, of both directions. */
export class HeldPackets implements Congestible {
  private readonly clock: Clock;
  private readonly deliver: (from: FlowSide, packet: Packet) => void;
  private readonly held = new Map<HeldPacket, Timer | undefined>();
  private readonly room = new Waiters();
  private bytes = 0;

  constructor(clock: Clock, deliver: (from: FlowSide, packet: Packet) => void) {
    this.clock = clock;
    this.deliver = deliver;
  }

  get congested(): boolean {
    return this.bytes > maxHeldBytes;
  }

  whenClear(resume: () => void): void {
    this.room.add(resume);
  }

  hold(given: HeldPacket): void {
    const held = { ...given, packet: copyOf(given.packet) };
    const { delayMs } = held;
    this.bytes += sizeOf(held.packet);
    this.held.set(held, delayMs === undefined ? undefined : this.clock.after(delayMs, () => this.pass(held)));
  }

  /** A packet has passed: those that waited for it follow. */
  passed(packet: Packet): void {
    if (this.held.size === 0) return;
    this.release((held) => held.past === packet.kind && isOfSame(held.packet, packet));
  }

  /** Passes on those that `isFree` says, in the order in which they came. Returns how many they are. */
  release(isFree: (held: HeldPacket) => boolean): number {
    const free = [...this.held.keys()].filter(isFree);
    for (const held of free) this.pass(held);
    return free.length;
  }

  /** The stream is over: none of them passes. */
  clear(): void {
    for (const timer of this.held.values()) timer?.cancel();
    this.held.clear();
    this.bytes = 0;
    this.room.wake();
  }

  private pass(held: HeldPacket): void {
    if (!this.held.has(held)) return;
    this.held.get(held)?.cancel();
    this.held.delete(held);
    const wasFull = this.congested;
    this.bytes -= sizeOf(held.packet);
    this.deliver(held.from, held.packet);
    if (wasFull && !this.congested) this.room.wake();
  }
}

const sizeOf = (packet: Packet): number =>
  overheadBytes + (packet.kind === 'DATA' ? payloadBytes(packet) : 0);

/** A payload stands in a buffer of its user, or in a large one of the socket. */
function copyOf(packet: Packet): Packet {
  return packet.kind === 'DATA' ? dataPacket(packet.connectId, Uint8Array.from(packet.data)) : packet;
}

/** Two packets name the same dial or connection, or one names none. */
function isOfSame(one: Packet, other: Packet): boolean {
  if ('dialId' in one && 'dialId' in other) return one.dialId === other.dialId;
  if ('connectId' in one && 'connectId' in other) return one.connectId === other.connectId;
  return true;
}
