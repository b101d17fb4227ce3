import type { Timer } from '../core/clock.js';
import type { EventBody } from '../core/events.js';
import type { Packet } from '../core/packet.js';
import { idsOf } from '../core/packet-event.js';
import { type Edge, edgeText } from './edge.js';
import { eventTest } from './event-test.js';
import type { Fault, Healing } from './fault.js';
import type { FaultDocument } from './fault-document.js';
import { FaultHits, type HitPlace, type HitTools } from './fault-hits.js';
import type { PacketPlan } from './fault-plan.js';
import type { FlowSide } from './flow.js';
import { sidesOf } from './flow-fault.js';
import { edgeTest } from './link-fault.js';
import type { PacketFlow, PacketJudge, PacketTurn } from './packet-flow.js';

export interface PacketFaultContext extends HitTools {
  readonly flows: () => Iterable<PacketFlow>;
  /** It is over, and must not be asked any more. */
  readonly over: (fault: PacketFault) => void;
}

/** A fault of the packets of links: which of them it hits, or which streams, and when. */
export class PacketFault implements Fault, PacketJudge {
  readonly id: string;
  private readonly plan: PacketPlan;
  private readonly context: PacketFaultContext;
  private readonly isOn: (edge: Edge) => boolean;
  private readonly isEvent: (event: EventBody) => boolean;
  private readonly record: FaultHits;
  /** The streams that it watches, with the timer of each. */
  private readonly joinedTo = new Map<PacketFlow, Timer | undefined>();
  private timer: Timer | undefined;
  private end: Timer | undefined;
  private occasions = 0;
  private inForce = false;
  private broken = 0;
  private healing: Healing | undefined;

  constructor(id: string, plan: PacketPlan, context: PacketFaultContext) {
    this.id = id;
    this.plan = plan;
    this.context = context;
    this.isOn = edgeTest(plan.on);
    this.isEvent = eventTest(plan.when);
    this.record = new FaultHits(id, plan, context);
  }

  get hits(): number {
    return this.record.count;
  }

  get action(): string {
    return this.plan.name;
  }

  get document(): FaultDocument {
    return JSON.parse(this.plan.source) as FaultDocument;
  }

  get active(): boolean {
    return this.healing === undefined;
  }

  hasLink(edge: Edge): boolean {
    return this.isOn(edge);
  }

  /** Call this once, when it is in its place. */
  begin(): void {
    const { when } = this.plan;
    this.record.tell('fault.set', { document: this.plan.source });
    // Who is told may remove it, here and at each hit.
    if (!this.active) return;
    for (const flow of [...this.context.flows()]) this.joined(flow);
    if (when === 'now') this.force();
    else if (typeof when === 'object' && 'every' in when) this.repeat(when.every);
  }

  firstHit(options?: { readonly withinMs?: number }): Promise<void> {
    return this.record.first(options);
  }

  remove(): Healing {
    if (this.healing !== undefined) return this.healing;
    this.timer?.cancel();
    this.end?.cancel();
    let healed = 0;
    for (const [flow, timer] of this.joinedTo) {
      timer?.cancel();
      healed += flow.leave(this);
    }
    this.joinedTo.clear();
    this.healing = { healed, broken: this.broken };
    this.context.over(this);
    this.record.tell('fault.healed', { text: `${healed} packets that were kept back pass` });
    this.record.close();
    return this.healing;
  }

  [Symbol.dispose](): void {
    this.remove();
  }

  /** A stream was opened. */
  joined(flow: PacketFlow): void {
    const { when, kind } = this.plan;
    if (!this.hasLink(flow.edge)) return;
    const isTimed = typeof when === 'object' && ('idleFor' in when || 'age' in when);
    if (kind.turn === undefined && !isTimed) return;
    // Also who only waits for quiet must see each packet.
    flow.join(this);
    this.joinedTo.set(flow, undefined);
    if (isTimed) this.await(flow, when);
  }

  /** A stream has ended. */
  left(flow: PacketFlow): void {
    this.joinedTo.get(flow)?.cancel();
    this.joinedTo.delete(flow);
  }

  turn({ edge }: PacketFlow, from: FlowSide, packet: Packet): PacketTurn | undefined {
    const { kind, settings, when, direction } = this.plan;
    if (!(sidesOf[direction] as readonly FlowSide[]).includes(from)) return undefined;
    const turn = kind.turn?.(settings, packet);
    if (turn === undefined) return undefined;
    this.occasions += 1;
    const isTurn = typeof when === 'object' && 'nth' in when && this.occasions === when.nth;
    if (!(isTurn || this.inForce) || !this.record.mayHit()) return undefined;
    if (turn.is === 'lost') this.broken += 1;
    const how = turn.is === 'heldPast' ? `is held past ${turn.past}` : `is ${turn.is}`;
    this.record.hit({ link: edgeText(edge), ...placeOf(packet), text: `${packet.kind} ${how}` });
    return this.active ? turn : undefined;
  }

  /** Whether it begins at this event. It is not told of its own. */
  beginsAt(event: EventBody): boolean {
    return this.isEvent(event) && !('fault' in event && event.fault === this.id);
  }

  /** Its event has happened. */
  beginNow(): void {
    if (this.active) this.force();
  }

  private repeat(everyMs: number): void {
    this.timer = this.context.clock.after(everyMs, () => {
      this.force();
      if (this.active) this.repeat(everyMs);
    });
  }

  private force(): void {
    const { when, for: forMs, kind } = this.plan;
    this.inForce = true;
    if (kind.strike !== undefined) for (const flow of [...this.context.flows()]) this.strike(flow);
    if (forMs === undefined || !this.active) return;
    this.end?.cancel();
    this.end = this.context.clock.after(forMs, () => {
      if (when === 'now') return void this.remove();
      this.inForce = false;
      for (const flow of [...this.joinedTo.keys()]) flow.release(this);
    });
  }

  private strike(flow: PacketFlow): void {
    const { kind, settings, direction } = this.plan;
    if (!this.active || !this.hasLink(flow.edge) || !this.record.mayHit()) return;
    const strike = kind.strike?.(settings);
    if (strike === undefined) return;
    const { text, packet, act } = strike;
    // Told first: what follows it in the journal is its consequence.
    this.record.hit({ link: edgeText(flow.edge), ...(packet === undefined ? {} : placeOf(packet)), text });
    if (this.active) act(flow, sidesOf[direction]);
  }

  /** Packets only record the time, which is cheaper than a new timer for each. */
  private await(flow: PacketFlow, when: { readonly idleFor: number } | { readonly age: number }): void {
    const leftMs = 'idleFor' in when ? when.idleFor - flow.idleMs : when.age - flow.ageMs;
    const due = (): void => {
      const isDue = 'idleFor' in when ? flow.idleMs >= when.idleFor : flow.ageMs >= when.age;
      if (isDue) this.strike(flow);
      else this.await(flow, when);
    };
    this.joinedTo.set(flow, this.context.clock.after(Math.max(0, leftMs), due));
  }
}

/** Its type and IDs, as in its own event. An unknown type has no name. */
function placeOf(packet: Packet): Pick<HitPlace, 'packet' | 'dialId' | 'connectId'> {
  return { ...(packet.kind === 'UNKNOWN' ? {} : { packet: packet.kind }), ...idsOf(packet) };
}
