import type { Clock, Timer } from '../core/clock.js';

/** For a flow idle too long: `reset` resets both ends at once; `drop` tells neither end, and loses later bytes. */
export type IdleVerdict = 'drop' | 'reset';
/** The two ends of a flow: the client that connected, and the target. */
export type FlowSide = 'client' | 'target';

export interface FlowPolicy {
  /** How long a flow may carry nothing, ms. 0 means no limit. */
  readonly idleTimeoutMs: number;
  readonly onIdle: IdleVerdict;
}

export type FlowEnd = 'fin' | 'reset' | 'idle reset' | 'forgotten';

export interface FlowPort {
  /** Ends one side's socket after the bytes written to it. */
  end(side: FlowSide): void;
  /** Ends one side's socket with a reset. */
  reset(side: FlowSide): void;
  /** Returns the policy. Called whenever the timer is due, so that a change applies to open flows, too. */
  policy(): FlowPolicy;
  /** The flow was forgotten, by the idle timer or by `forget`. */
  forgotten(verdict: IdleVerdict, idleMs: number): void;
  /** Bytes arrived for a forgotten flow. Called only for the first ones. */
  lost(from: FlowSide, sizeBytes: number): void;
  /** Both sides have closed. Called once. */
  closed(end: FlowEnd): void;
}

/** Bytes from each side, and how many of them were lost. */
export interface FlowCounts {
  readonly client: number;
  readonly target: number;
  readonly lost: number;
}

const otherSide = { client: 'target', target: 'client' } as const;

/** One TCP flow through a NAT gateway, firewall or balancer, which forgets flows that carry no bytes for a while. */
export class FlowMachine {
  private readonly clock: Clock;
  private readonly port: FlowPort;
  private readonly sides: Record<FlowSide, 'open' | 'ended' | 'gone'> = { client: 'open', target: 'open' };
  private readonly bytes = { client: 0, target: 0, lost: 0 };
  private lastActivity: number;
  private timer: Timer | undefined;
  private ending: FlowEnd = 'fin';
  private isForgotten = false;
  private toldLoss = false;

  constructor(clock: Clock, port: FlowPort) {
    this.clock = clock;
    this.port = port;
    this.lastActivity = clock.now();
    this.arm();
  }

  get counts(): FlowCounts {
    return this.bytes;
  }

  private get idleMs(): number {
    return this.clock.now() - this.lastActivity;
  }

  /** Call this when the policy changed. */
  reconsider(): void {
    if (!this.isForgotten && !this.isClosed) this.arm();
  }

  /** Bytes came from one side. Returns true when they are passed on, false when they are lost. */
  received(from: FlowSide, sizeBytes: number): boolean {
    this.bytes[from] += sizeBytes;
    this.lastActivity = this.clock.now();
    if (!this.isForgotten) return true;
    this.bytes.lost += sizeBytes;
    if (!this.toldLoss) this.port.lost(from, sizeBytes);
    this.toldLoss = true;
    return false;
  }

  /** One side ended its direction. A forgotten flow does not pass that on. */
  ended(from: FlowSide): void {
    if (this.sides[from] !== 'open') return;
    this.sides[from] = 'ended';
    this.lastActivity = this.clock.now();
    if (this.isForgotten) this.port.end(from);
    else this.port.end(otherSide[from]);
  }

  /** One side's socket has closed; `broken` when it did not end in order. */
  gone(from: FlowSide, broken: boolean): void {
    if (this.sides[from] === 'gone') return;
    const inOrder = this.sides[from] === 'ended' && !broken;
    this.sides[from] = 'gone';
    const other = otherSide[from];
    if (this.sides[other] === 'gone') return this.finish();
    if (this.isForgotten || inOrder) return;
    if (this.ending === 'fin') this.ending = 'reset';
    this.port.reset(other);
  }

  /** Forgets the flow now, as a device that loses its table. */
  forget(verdict: IdleVerdict): void {
    if (this.isForgotten || this.isClosed) return;
    this.timer?.cancel();
    this.isForgotten = true;
    this.ending = verdict === 'drop' ? 'forgotten' : 'idle reset';
    this.port.forgotten(verdict, this.idleMs);
    if (verdict === 'drop') return;
    this.port.reset('client');
    this.port.reset('target');
  }

  private get isClosed(): boolean {
    return this.sides.client === 'gone' && this.sides.target === 'gone';
  }

  /** Sets the timer for the rest of the idle time. Bytes only record the time, which is cheaper than a new timer. */
  private arm(): void {
    this.timer?.cancel();
    const { idleTimeoutMs } = this.port.policy();
    if (idleTimeoutMs <= 0) return;
    this.timer = this.clock.after(Math.max(0, idleTimeoutMs - this.idleMs), () => this.due());
  }

  private due(): void {
    const { idleTimeoutMs, onIdle } = this.port.policy();
    if (idleTimeoutMs > 0 && this.idleMs >= idleTimeoutMs) this.forget(onIdle);
    else this.arm();
  }

  private finish(): void {
    this.timer?.cancel();
    this.port.closed(this.ending);
  }
}
