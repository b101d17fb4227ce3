import type { Timer } from '../core/clock.js';
import type { EventBody } from '../core/events.js';
import { type Edge, edgeText, namePattern } from './edge.js';
import { eventTest } from './event-test.js';
import type { Fault, Healing } from './fault.js';
import type { FaultDocument } from './fault-document.js';
import { FaultHits, type FaultReport } from './fault-hits.js';
import type { LinkPlan } from './fault-plan.js';
import type { ConnectVerdict, FaultTools } from './faults/fault-kind.js';
import type { FlowMachine } from './flow.js';
import { FlowFault } from './flow-fault.js';

/** One flow of a link, for its faults. */
export interface LinkFlow {
  readonly edge: Edge;
  /** Its number in events. */
  readonly number: string;
  readonly machine: FlowMachine;
  /** Closes both sockets. */
  destroy(): void;
}

export interface FaultContext extends FaultTools {
  readonly flows: () => Iterable<LinkFlow>;
  readonly tell: (event: FaultReport) => void;
  /** The tunnel connections that a flow carries, for the event of its hit. */
  readonly carriedBy: (flow: LinkFlow) => Pick<FaultReport, 'connections'>;
  /** It lets new connections pass again. */
  readonly calm: (fault: LinkFault) => void;
  /** It is over, and must not be asked any more. */
  readonly over: (fault: LinkFault) => void;
}

/** A fault on links: which connections it hits, when, and how often. */
export class LinkFault implements Fault {
  readonly id: string;
  private readonly plan: LinkPlan;
  private readonly context: FaultContext;
  private readonly isOn: (edge: Edge) => boolean;
  private readonly isEvent: (event: EventBody) => boolean;
  private readonly record: FaultHits;
  private readonly struck = new Map<LinkFlow, FlowFault>();
  private timer: Timer | undefined;
  private end: Timer | undefined;
  private newConnections = 0;
  /** It hits every connection: from `now` on, or since an event. */
  private inForce = false;
  private readonly past = { healed: 0, broken: 0 };
  private healing: Healing | undefined;

  constructor(id: string, plan: LinkPlan, context: FaultContext) {
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
    if (when === 'now') this.force();
    else if (typeof when === 'object' && 'every' in when) this.repeat(when.every);
    else for (const flow of this.flows()) this.watch(flow);
  }

  firstHit(options?: { readonly withinMs?: number }): Promise<void> {
    return this.record.first(options);
  }

  remove(): Healing {
    if (this.healing !== undefined) return this.healing;
    this.timer?.cancel();
    this.end?.cancel();
    this.calm();
    this.healing = this.past;
    this.context.over(this);
    const { healed, broken } = this.past;
    this.record.tell('fault.healed', { text: `${healed} connections continue, ${broken} do not` });
    this.record.close();
    return this.healing;
  }

  [Symbol.dispose](): void {
    this.remove();
  }

  /** A connection was made on one of its links. */
  joined(flow: LinkFlow): void {
    const { when, kind } = this.plan;
    if (!this.hasLink(flow.edge)) return;
    if (typeof when === 'object' && 'connection' in when) {
      if (!this.stopsConnects && this.isTurn(when.connection)) this.hit(flow, 'own');
    } else if (this.inForce && kind.stage !== undefined) this.hit(flow, 'all');
    else this.watch(flow);
  }

  /** A connection has ended. */
  left(flow: LinkFlow): void {
    const found = this.struck.get(flow);
    if (found === undefined) return;
    this.struck.delete(flow);
    found.undo();
    if (found.isHit) this.past.broken += 1;
  }

  /** What a new connection on one of its links meets. */
  connecting(edge: Edge): ConnectVerdict | undefined {
    const { kind, settings, when } = this.plan;
    if (kind.connect === undefined || !this.hasLink(edge)) return undefined;
    const isChosen = typeof when === 'object' && 'connection' in when && this.stopsConnects;
    const isTurn = isChosen && this.isTurn(when.connection);
    if (!isTurn && !this.inForce) return undefined;
    if (!this.record.mayHit()) return undefined;
    const verdict = kind.connect(settings, this.context);
    // A connection that only takes longer is hit when it is there.
    if (typeof verdict === 'string') this.record.hit({ link: edgeText(edge) });
    return verdict;
  }

  /** Whether it begins at this event. It is not told of its own. */
  beginsAt(event: EventBody): boolean {
    return this.isEvent(event) && !('fault' in event && event.fault === this.id);
  }

  /** Its event has happened. */
  beginNow(): void {
    if (this.active) this.force();
  }

  private *flows(): Iterable<LinkFlow> {
    for (const flow of this.context.flows()) if (this.hasLink(flow.edge)) yield flow;
  }

  /** It ends attempts to connect, so that it counts these; one that only delays them counts connections. */
  private get stopsConnects(): boolean {
    const { connect, stage, strike } = this.plan.kind;
    return connect !== undefined && (stage === undefined || strike !== undefined);
  }

  private isTurn(wanted: number): boolean {
    this.newConnections += 1;
    return this.newConnections === wanted;
  }

  private repeat(everyMs: number): void {
    this.timer = this.context.clock.after(everyMs, () => {
      this.force();
      if (this.active) this.repeat(everyMs);
    });
  }

  /** Hits all connections, and new ones until its time is over. */
  private force(): void {
    const { when, for: forMs } = this.plan;
    this.inForce = true;
    for (const flow of [...this.flows()]) if (this.active) this.hit(flow, 'all');
    if (forMs === undefined || !this.active) return;
    this.end?.cancel();
    this.end = this.context.clock.after(forMs, () => {
      if (when === 'now') return void this.remove();
      this.calm();
      this.context.calm(this);
    });
  }

  /** What is left of it in all connections ends. */
  private calm(): void {
    this.inForce = false;
    for (const [flow, found] of this.struck) {
      this.struck.delete(flow);
      found.undo();
      if (found.isHit) this.past[flow.machine.over ? 'broken' : 'healed'] += 1;
    }
  }

  /** Waits for the time of this connection. */
  private watch(flow: LinkFlow): void {
    const { when } = this.plan;
    if (typeof when !== 'object' || this.struck.has(flow)) return;
    const fault = new FlowFault(flow.machine, this.plan, this.context);
    if (!fault.await(when, () => this.hit(flow, 'own'))) return;
    this.struck.set(flow, fault);
  }

  private hit(flow: LinkFlow, whose: 'own' | 'all'): void {
    const { stage, strike } = this.plan.kind;
    if (stage === undefined && strike === undefined) return;
    if (flow.machine.over || this.struck.get(flow)?.isHit === true || !this.record.mayHit()) return;
    const fault = this.struck.get(flow) ?? new FlowFault(flow.machine, this.plan, this.context);
    this.struck.set(flow, fault);
    // Told first: what follows it in the journal is its consequence.
    this.record.hit({ link: edgeText(flow.edge), flow: flow.number, ...this.context.carriedBy(flow) });
    if (this.active) fault.hit(whose);
  }
}

/** A part stands for all links that lead to it, or from it; two groups for those from one to the other. */
export function edgeTest(on: LinkPlan['on']): (edge: Edge) => boolean {
  if (on.part !== undefined) {
    const isPart = namePattern(on.part);
    return ({ from, to }) => isPart(from) || isPart(to);
  }
  if (on.between !== undefined) {
    const isHere = groupTest(on.between);
    const isThere = groupTest(on.and ?? []);
    return ({ from, to }) => (isHere(from) && isThere(to)) || (isThere(from) && isHere(to));
  }
  const isFrom = namePattern(on.from ?? '*');
  const isTo = namePattern(on.to ?? '*');
  return ({ from, to }) => isFrom(from) && isTo(to);
}

function groupTest(patterns: readonly string[]): (name: string) => boolean {
  const tests = patterns.map(namePattern);
  return (name) => tests.some((isOne) => isOne(name));
}
