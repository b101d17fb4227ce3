import type { Timer } from '../core/clock.js';
import type { EventBody } from '../core/events.js';
import { namePattern } from './edge.js';
import { eventTest } from './event-test.js';
import type { Fault, Healing } from './fault.js';
import type { FaultDocument } from './fault-document.js';
import { FaultHits, type HitTools } from './fault-hits.js';
import type { PartPlan } from './fault-plan.js';
import type { Occasion } from './fault-points.js';

/** What a part can do when a fault says so. */
export interface Offer {
  readonly part: string;
  readonly kind: PartPlan['name'];
  readonly deed: (settings: never) => (() => void) | undefined;
  readonly occasion: Occasion;
  /** Whether settings concern it. */
  readonly matches: (settings: never) => boolean;
}

export interface PartFaultContext extends HitTools {
  readonly offers: () => Iterable<Offer>;
  /** Another fault that holds the part in the same way. */
  readonly heir: (fault: PartFault, part: string) => PartFault | undefined;
  /** It is over, and must not be asked any more. */
  readonly over: (fault: PartFault) => void;
}

/** How to undo what was done to a part. */
interface Undo {
  readonly part: string;
  readonly run: () => void;
}

/** A fault in parts: when it hits which of them, and how often. */
export class PartFault implements Fault {
  readonly id: string;
  readonly plan: PartPlan;
  private readonly context: PartFaultContext;
  private readonly isPart: (name: string) => boolean;
  private readonly isEvent: (event: EventBody) => boolean;
  private readonly record: FaultHits;
  private readonly undoes: Undo[] = [];
  private timer: Timer | undefined;
  private end: Timer | undefined;
  private occasions = 0;
  private inForce = false;
  private healing: Healing | undefined;

  constructor(id: string, plan: PartPlan, context: PartFaultContext) {
    this.id = id;
    this.plan = plan;
    this.context = context;
    this.isPart = namePattern(plan.on.part ?? '*');
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

  hasPart(name: string): boolean {
    return this.isPart(name);
  }

  /** Call this once, when it is in its place. */
  begin(): void {
    const { when } = this.plan;
    this.record.tell('fault.set', { document: this.plan.source });
    // Who is told may remove it, here and at each hit.
    if (!this.active) return;
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
    this.healing = { healed: this.calm(), broken: 0 };
    this.context.over(this);
    this.record.tell('fault.healed');
    this.record.close();
    return this.healing;
  }

  [Symbol.dispose](): void {
    this.remove();
  }

  /** True when it hits this part at this occasion, which then is a hit. */
  meets(part: string, occasion: Occasion): boolean {
    if (!this.isPart(part)) return false;
    const { when } = this.plan;
    this.occasions += 1;
    const isTurn = typeof when === 'object' && 'nth' in when && this.occasions === when.nth;
    if (!(isTurn || this.inForce) || !this.record.mayHit()) return false;
    this.record.hit({ part, ...occasion });
    return true;
  }

  /** A part can do it from now on. */
  offered(offer: Offer): void {
    if (this.inForce && this.active) this.act(offer);
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
    const { when, for: forMs } = this.plan;
    // What happens again and again, or at an event without an end, is done once each time.
    this.inForce = when === 'now' || forMs !== undefined || this.plan.kind.how === 'asked';
    for (const offer of [...this.context.offers()]) if (this.active) this.act(offer);
    if (forMs === undefined || !this.active) return;
    this.end?.cancel();
    this.end = this.context.clock.after(forMs, () => {
      if (when === 'now') this.remove();
      else this.calm();
    });
  }

  private act({ part, kind, deed, occasion, matches }: Offer): void {
    if (kind !== this.plan.name || !this.isPart(part)) return;
    if (!matches(this.plan.settings as never) || !this.record.mayHit()) return;
    this.record.hit({ part, ...occasion });
    if (!this.active) return;
    const undo = deed(this.plan.settings as never);
    if (undo !== undefined) this.undoes.push({ part, run: undo });
  }

  /** It has done something to this part that is not undone. */
  holds(part: string): boolean {
    return this.undoes.some((undo) => undo.part === part);
  }

  /** What it has done is undone, by the last fault that holds the part. */
  private calm(): number {
    this.inForce = false;
    const undoes = this.undoes.splice(0);
    for (const undo of undoes) {
      const heir = this.context.heir(this, undo.part);
      if (heir === undefined) undo.run();
      else heir.undoes.push(undo);
    }
    return undoes.length;
  }
}
