import type { Timer } from '../core/clock.js';
import type { LinkPlan } from './fault-plan.js';
import type { FaultTools } from './faults/fault-kind.js';
import type { FlowMachine, FlowSide } from './flow.js';

/** The ends that send in each direction. */
export const sidesOf = {
  both: ['client', 'target'],
  toTarget: ['client'],
  toClient: ['target'],
} as const satisfies Record<LinkPlan['direction'], readonly FlowSide[]>;

/** One fault in one flow: its own timers and counters, and what it does there. */
export class FlowFault {
  private readonly machine: FlowMachine;
  private readonly plan: LinkPlan;
  private readonly tools: FaultTools;
  /** Ends timers and counters, and removes stages. */
  private undoes: (() => void)[] = [];
  private wasHit = false;

  constructor(machine: FlowMachine, plan: LinkPlan, tools: FaultTools) {
    this.machine = machine;
    this.plan = plan;
    this.tools = tools;
  }

  get isHit(): boolean {
    return this.wasHit;
  }

  /** Calls `due` when this flow's time has come. Returns false when it has no timer or counter of its own. */
  await(when: Exclude<LinkPlan['when'], string>, due: () => void): boolean {
    if ('idleFor' in when) this.onTimer(when.idleFor, () => this.machine.idleMs, due);
    else if ('age' in when) this.onTimer(when.age, () => this.machine.ageMs, due);
    else if ('afterBytes' in when) {
      for (const side of this.sides) this.undoes.push(this.machine.atBytes(side, when.afterBytes, due));
    } else return false;
    return true;
  }

  /** `own`: this flow's own timer or counter began it, or it is the chosen one. `all`: it is in force for all flows. */
  hit(whose: 'own' | 'all'): void {
    const { kind, settings, for: forMs } = this.plan;
    this.wasHit = true;
    if (kind.strike !== undefined && (whose === 'own' || kind.stage === undefined)) {
      kind.strike(this.machine, settings, this.tools);
      return;
    }
    const { stage } = kind;
    if (stage === undefined) return;
    const removes = this.sides.map((side) => {
      const tools = { ...this.tools, giveUp: () => this.machine.stop('drop', { told: side }) };
      return this.machine.addStage(side, (pass) => stage(settings, tools, pass));
    });
    this.undoes.push(...removes);
    if (forMs === undefined || whose === 'all') return;
    const end = this.tools.clock.after(forMs, () => {
      for (const remove of removes) remove();
    });
    this.undoes.push(() => end.cancel());
  }

  undo(): void {
    for (const undo of this.undoes.splice(0)) undo();
  }

  private get sides(): readonly FlowSide[] {
    return sidesOf[this.plan.direction];
  }

  /** Bytes only record the time, which is cheaper than a new timer for each. */
  private onTimer(limitMs: number, elapsedMs: () => number, due: () => void): void {
    let timer: Timer | undefined;
    const arm = (): void => {
      const leftMs = limitMs - elapsedMs();
      if (leftMs > 0) timer = this.tools.clock.after(leftMs, arm);
      else due();
    };
    // Never at once: the flow is not in its place yet.
    timer = this.tools.clock.after(Math.max(0, limitMs - elapsedMs()), arm);
    this.undoes.push(() => timer?.cancel());
  }
}
