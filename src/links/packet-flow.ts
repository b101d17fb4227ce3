import type { Clock } from '../core/clock.js';
import type { Packet, PacketKind } from '../core/packet.js';
import type { HandlePacket, PacketPath, PathStream } from '../core/packet-path.js';
import type { ClosablePort, Congestible } from '../core/port.js';
import type { Edge } from './edge.js';
import { type FlowSide, otherSide } from './flow.js';
import { type HeldPacket, HeldPackets } from './held-packets.js';

/** What becomes of one packet. */
export type PacketTurn =
  | { readonly is: 'lost' }
  | { readonly is: 'duplicated' }
  | { readonly is: 'delayed'; readonly delayMs: number }
  | { readonly is: 'heldPast'; readonly past: PacketKind }
  | { readonly is: 'changed'; readonly packet: Packet };

/** Decides about packets. */
export interface PacketJudge {
  /** Undefined: the next one decides, or the packet passes. */
  turn(flow: PacketFlow, from: FlowSide, packet: Packet): PacketTurn | undefined;
}

export interface PacketFlowOptions {
  readonly edge: Edge;
  /** The end of the link that is here. */
  readonly ours: FlowSide;
  readonly clock: Clock;
  readonly stream: PathStream;
  /** Takes what comes in. */
  readonly handle: HandlePacket;
  /** The stream has ended. */
  readonly closed: (flow: PacketFlow) => void;
}

/** The packets of one stream of a link, at the end where they can be read. Without a fault they just pass. */
export class PacketFlow implements ClosablePort, PacketPath {
  private readonly options: PacketFlowOptions;
  private readonly stream: PathStream;
  private readonly handle: HandlePacket;
  private readonly held: HeldPackets;
  private readonly born: number;
  private judges: readonly PacketJudge[] = [];
  private lastPacketAt = 0;
  /** What took the latest packet that came in. */
  private taker: Congestible | undefined;

  constructor(options: PacketFlowOptions) {
    this.options = options;
    this.stream = options.stream;
    this.handle = options.handle;
    this.born = options.clock.now();
    this.held = new HeldPackets(options.clock, (from, packet) => this.deliver(from, packet));
  }

  get edge(): Edge {
    return this.options.edge;
  }

  get ageMs(): number {
    return this.options.clock.now() - this.born;
  }

  /** How long no packet came or went, ms, counted at the earliest from its first judge. */
  get idleMs(): number {
    return this.options.clock.now() - this.lastPacketAt;
  }

  get port(): ClosablePort {
    return this;
  }

  get congested(): boolean {
    return this.held.congested || this.stream.congested;
  }

  get takenBytes(): number {
    return this.stream.takenBytes;
  }

  whenClear(resume: () => void): void {
    if (this.held.congested) this.held.whenClear(resume);
    else this.stream.whenClear(resume);
  }

  leaveBacklog(): void {
    this.stream.leaveBacklog?.();
  }

  send(packet: Packet): void {
    if (this.judges.length === 0) this.stream.send(packet);
    else this.carry(this.options.ours, packet);
  }

  readonly received: HandlePacket = (packet) => {
    if (this.judges.length === 0) return this.handle(packet);
    this.carry(otherSide[this.options.ours], packet);
    return this.held.congested ? this.held : this.taker;
  };

  /** What waits in our direction goes first. */
  finish(): void {
    this.held.release(({ from }) => from === this.options.ours);
    this.stream.finish();
  }

  cancel(): void {
    this.stream.cancel();
  }

  reset(code: number): void {
    this.stream.reset(code);
  }

  closed(): void {
    this.judges = [];
    this.held.clear();
    this.options.closed(this);
  }

  /** From now on it decides, after those that came before it. */
  join(judge: PacketJudge): void {
    if (this.judges.length === 0) this.lastPacketAt = this.options.clock.now();
    this.judges = [...this.judges, judge];
  }

  /** It decides no more. What it keeps back passes. Returns how many packets that are. */
  leave(judge: PacketJudge): number {
    this.judges = this.judges.filter((each) => each !== judge);
    return this.release(judge);
  }

  /** What it keeps back passes. */
  release(judge: PacketJudge): number {
    return this.held.release(({ by }) => by === judge);
  }

  /** A packet that no machine has sent, as if one end had. */
  inject(from: FlowSide, packet: Packet): void {
    if (from === this.options.ours) this.stream.send(packet);
    else this.stream.take(packet);
  }

  private carry(from: FlowSide, packet: Packet): void {
    this.lastPacketAt = this.options.clock.now();
    for (const judge of this.judges) {
      const turn = judge.turn(this, from, packet);
      if (turn !== undefined) return this.obey(turn, { by: judge, from, packet });
    }
    this.deliver(from, packet);
  }

  private obey(turn: PacketTurn, met: HeldPacket): void {
    const { from, packet } = met;
    if (turn.is === 'delayed' || turn.is === 'heldPast') this.held.hold({ ...met, ...turn });
    else if (turn.is === 'changed') this.deliver(from, turn.packet);
    else if (turn.is === 'duplicated') {
      this.deliver(from, packet);
      this.deliver(from, packet);
    }
  }

  private deliver(from: FlowSide, packet: Packet): void {
    if (from === this.options.ours) this.stream.send(packet);
    else this.taker = this.handle(packet);
    this.held.passed(packet);
  }
}
