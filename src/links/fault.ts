import type { Timer } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import type { EventBody, FaultEvent } from '../core/events.js';
import { type Edge, edgeText, namePattern } from './edge.js';
import type { FaultPlan } from './fault-plan.js';
import type { ConnectVerdict, FaultTools } from './faults/fault-kind.js';
import type { FlowMachine } from './flow.js';
import { FlowFault } from './flow-fault.js';

/** What removing a fault does to the connections that it hit. */
export interface Healing {
  /** Connections that continue. */
  readonly healed: number;
  /** Connections that stay broken, or have ended. */
  readonly broken: number;
}

/** A fault that was set. `using` removes it at the end of the block. */
export interface Fault extends Disposable {
  /** Its name in events. */
  readonly id: string;
  /** How many connections it has hit, also attempts to connect. */
  readonly hits: number;
  /** False when it was removed, or its time is over. */
  readonly on: boolean;
  /**
   * Resolves when it has hit a connection. Rejects with WAIT_TIMEOUT after `withinMs` of lab time (default 5000), or when
   * it is removed before.
   */
  firstHit(options?: { readonly withinMs?: number }): Promise<void>;
  /** Ends it, and says what becomes of the connections that it hit. Further calls return the same. */
  remove(): Healing;
}

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
  readonly tell: (event: Pick<FaultEvent, 'kind' | 'fault' | 'action' | 'link' | 'flow' | 'text'>) => void;
  /** It lets new connections pass again. */
  readonly calm: (fault: LinkFault) => void;
  /** It is over, and must not be asked any more. */
  readonly over: (fault: LinkFault) => void;
}

/** A fault on links: which connections it hits, when, and how often. */
export class LinkFault implements Fault {
  readonly id: string;
  private readonly plan: FaultPlan;
  private readonly context: FaultContext;
  private readonly isFrom: (name: string) => boolean;
  private readonly isTo: (name: string) => boolean;
  private readonly struck = new Map<LinkFlow, FlowFault>();
  private readonly waiting = new Set<(error?: TunnelError) => void>();
  private timer: Timer | undefined;
  private end: Timer | undefined;
  private count = 0;
  private newConnections = 0;
  /** It hits every connection: from `now` on, or since an event. */
  private inForce = false;
  private readonly past = { healed: 0, broken: 0 };
  private healing: Healing | undefined;

  constructor(id: string, plan: FaultPlan, context: FaultContext) {
    this.id = id;
    this.plan = plan;
    this.context = context;
    this.isFrom = namePattern(plan.on.from ?? '*');
    this.isTo = namePattern(plan.on.to ?? '*');
  }

  get hits(): number {
    return this.count;
  }

  get on(): boolean {
    return this.healing === undefined;
  }

  hasLink({ from, to }: Edge): boolean {
    return this.isFrom(from) && this.isTo(to);
  }

  /** Call this once, when it is in its place. */
  begin(): void {
    const { when } = this.plan;
    this.tell('fault.set', {});
    // Who is told may remove it, here and at each hit.
    if (!this.on) return;
    if (when === 'now') this.force();
    else if (typeof when === 'object' && 'every' in when) this.repeat(when.every);
    else for (const flow of this.flows()) this.watch(flow);
  }

  firstHit({ withinMs = 5000 }: { readonly withinMs?: number } = {}): Promise<void> {
    if (this.count > 0) return Promise.resolve();
    if (!this.on) return Promise.reject(this.unused('was removed before it hit a connection'));
    return new Promise((resolve, reject) => {
      const late = this.context.clock.after(withinMs, () =>
        done(this.unused(`has hit no connection after ${withinMs} ms`)),
      );
      const done = (error?: TunnelError): void => {
        late.cancel();
        this.waiting.delete(done);
        if (error === undefined) resolve();
        else reject(error);
      };
      this.waiting.add(done);
    });
  }

  remove(): Healing {
    if (this.healing !== undefined) return this.healing;
    this.timer?.cancel();
    this.end?.cancel();
    this.calm();
    this.healing = this.past;
    this.context.over(this);
    const { healed, broken } = this.past;
    this.tell('fault.healed', { text: `${healed} connections continue, ${broken} do not` });
    for (const done of [...this.waiting]) done(this.unused('was removed before it hit a connection'));
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
    if (!this.mayHit()) return undefined;
    const verdict = kind.connect(settings, this.context);
    // A connection that only takes longer is hit when it is there.
    if (typeof verdict === 'string') this.counted({ link: edgeText(edge) });
    return verdict;
  }

  /** An event of the lab. */
  see(event: EventBody): void {
    const { when } = this.plan;
    if (typeof when !== 'object' || !('event' in when) || event.kind !== when.event) return;
    const fields = Object.entries(when.fields ?? {});
    if (!fields.every(([name, value]) => Reflect.get(event, name) === value)) return;
    // After the event: its own part is still at work.
    queueMicrotask(() => {
      if (this.on) this.force();
    });
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
      if (this.on) this.repeat(everyMs);
    });
  }

  /** Hits all connections, and new ones until its time is over. */
  private force(): void {
    const { when, for: forMs } = this.plan;
    this.inForce = true;
    for (const flow of [...this.flows()]) if (this.on) this.hit(flow, 'all');
    if (forMs === undefined || !this.on) return;
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
    if (flow.machine.over || this.struck.get(flow)?.isHit === true || !this.mayHit()) return;
    const fault = this.struck.get(flow) ?? new FlowFault(flow.machine, this.plan, this.context);
    this.struck.set(flow, fault);
    // Told first: what follows it in the journal is its consequence.
    this.counted({ link: edgeText(flow.edge), flow: flow.number });
    if (this.on) fault.hit(whose);
  }

  private mayHit(): boolean {
    const { limit = Number.POSITIVE_INFINITY, probability } = this.plan;
    return this.count < limit && (probability >= 1 || this.context.random.next() < probability);
  }

  private counted(where: { readonly link: string; readonly flow?: string }): void {
    this.count += 1;
    this.tell('fault.hit', where);
    for (const done of [...this.waiting]) done();
  }

  private tell(
    kind: FaultEvent['kind'],
    more: { readonly link?: string; readonly flow?: string; readonly text?: string },
  ): void {
    this.context.tell({ kind, fault: this.id, action: this.plan.name, ...more });
  }

  private unused(text: string): TunnelError {
    return new TunnelError('WAIT_TIMEOUT', `${this.id} ${text}`, { where: 'links' });
  }
}
