import type { Clock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import type { FaultEvent } from '../core/events.js';
import type { Random } from '../core/random.js';
import type { FaultPlan } from './fault-plan.js';

/** What a fault says of itself in the journal. */
export type FaultReport = Omit<FaultEvent, 'node'>;

/** Where a fault hit. */
export type HitPlace = Omit<FaultReport, 'kind' | 'fault' | 'action'>;

export interface HitTools {
  readonly clock: Clock;
  readonly random: Random;
  readonly tell: (event: FaultReport) => void;
}

/** How often a fault may hit, how often it has, and who waits for that. */
export class FaultHits {
  private readonly id: string;
  private readonly plan: FaultPlan;
  private readonly tools: HitTools;
  private readonly waiting = new Set<(error?: TunnelError) => void>();
  private hits = 0;
  private isOver = false;

  constructor(id: string, plan: FaultPlan, tools: HitTools) {
    this.id = id;
    this.plan = plan;
    this.tools = tools;
  }

  get count(): number {
    return this.hits;
  }

  /** Draws from the seed when it is by chance: ask once for each occasion. */
  mayHit(): boolean {
    const { limit = Number.POSITIVE_INFINITY, probability } = this.plan;
    return this.hits < limit && (probability >= 1 || this.tools.random.next() < probability);
  }

  /** It hits. Tell this first: what follows it in the journal is its consequence. */
  hit(place: HitPlace): void {
    this.hits += 1;
    this.tell('fault.hit', place);
    for (const done of [...this.waiting]) done();
  }

  tell(kind: FaultEvent['kind'], place: HitPlace = {}): void {
    this.tools.tell({ kind, fault: this.id, action: this.plan.name, ...place });
  }

  first({ withinMs = 5000 }: { readonly withinMs?: number } = {}): Promise<void> {
    if (this.hits > 0) return Promise.resolve();
    if (this.isOver) return Promise.reject(this.unused('was removed before it hit anything'));
    return new Promise((resolve, reject) => {
      const late = this.tools.clock.after(withinMs, () =>
        done(this.unused(`has hit nothing after ${withinMs} ms`)),
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

  /** It was removed. */
  close(): void {
    this.isOver = true;
    for (const done of [...this.waiting]) done(this.unused('was removed before it hit anything'));
  }

  private unused(text: string): TunnelError {
    return new TunnelError('WAIT_TIMEOUT', `${this.id} ${text}`, { where: 'links' });
  }
}
