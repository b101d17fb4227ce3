import type { Clock, Timer } from '../../src/core/clock.js';
import type { CongestionMarks } from '../../src/core/congestion.js';
import {
  type Carrier,
  type MemoryEnd,
  type MemoryOwner,
  type MemoryTuning,
  memoryPair,
} from '../support/memory-stream.js';

/** How long bytes need over a link without a fault, ms. */
const shortMs = 1;
/** When a quiet end pings, and how long the other may take to answer, ms. The defaults of our agents. */
const keepalive = { timeMs: 31_000, timeoutMs: 20_000 };
/** Queues are smaller than the real ones, so that little data fills them. */
export const marks: CongestionMarks = { highBytes: 64 * 1024, lowBytes: 16 * 1024 };

/** `up` is from who dialled to the server. */
export type Direction = 'up' | 'down';

/** One edge of the picture. What it does not carry now waits, as TCP sends again until it is answered. */
export class Link {
  readonly name: string;
  readonly flows = new Set<AnyFlow>();
  private delayMs = shortMs;
  private readonly blocked = new Set<Direction>();
  private waiting: (() => void)[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get latencyMs(): number {
    return this.delayMs;
  }

  slow(delayMs: number): void {
    this.delayMs = delayMs;
  }

  /** Carries nothing in these directions until it is healed. No end is told. */
  block(directions: readonly Direction[]): void {
    for (const direction of directions) this.blocked.add(direction);
  }

  /** Forgets its flows: their bytes are lost, and neither end is told. New flows work. */
  forget(): void {
    for (const flow of this.flows) flow.forget();
  }

  /** Resets its flows at both ends. */
  reset(): void {
    for (const flow of [...this.flows]) flow.cut();
  }

  /** Carries what waits. Flows that were forgotten stay so. */
  heal(): void {
    this.delayMs = shortMs;
    this.blocked.clear();
    const waiting = this.waiting;
    this.waiting = [];
    for (const carry of waiting) carry();
  }

  /** True when `carry` is kept until the link is healed. */
  keeps(direction: Direction, carry: () => void): boolean {
    if (!this.blocked.has(direction)) return false;
    this.waiting.push(carry);
    return true;
  }
}

/** Ends that are open, for the invariant that none is left. */
export class OpenEnds {
  count = 0;
}

interface AnyFlow {
  forget(): void;
  cut(): void;
}

export interface FlowOptions<Item> {
  readonly clock: Clock;
  readonly link: Link;
  readonly open: OpenEnds;
  readonly sizeOf: (item: Item) => number;
  /** What limits the queue of the server, beside its own marks. */
  readonly together?: MemoryTuning<Item>['together'];
}

/** One connection over a link, with one stream, and with pings from both ends. */
export class Flow<Item> implements Carrier<Item> {
  /** The end that dialled, and the other one. */
  readonly dialler: MemoryEnd<Item>;
  readonly server: MemoryEnd<Item>;
  private readonly options: FlowOptions<Item>;
  private readonly underWay: Record<Direction, (() => void)[]> = { up: [], down: [] };
  private forgotten = false;

  constructor(options: FlowOptions<Item>) {
    const { sizeOf, link, together } = options;
    this.options = options;
    const tuning = { carrier: this, marks, sizeOf };
    [this.dialler, this.server] = memoryPair<Item>(tuning, { ...tuning, together });
    link.flows.add(this);
  }

  /** Gives an end to its owner, which it tells of everything from now on. */
  serve(end: MemoryEnd<Item>, owner: MemoryOwner<Item>): void {
    const { open, link } = this.options;
    const pings = this.ping(end);
    end.owner = owner;
    open.count += 1;
    end.closed = () => {
      open.count -= 1;
      pings.cancel();
      if (this.dialler.over && this.server.over) link.flows.delete(this);
    };
  }

  /** Runs `arrive` at the other side, behind all that was carried in this direction before. */
  carry(direction: Direction, arrive: () => void): void {
    const { link, clock } = this.options;
    if (this.forgotten || link.keeps(direction, () => this.carry(direction, arrive))) return;
    // Whichever timer fires, the oldest arrives: so the order holds when the link gets faster.
    this.underWay[direction].push(arrive);
    clock.after(link.latencyMs, () => {
      const oldest = this.underWay[direction].shift();
      if (!this.forgotten) oldest?.();
    });
  }

  queued(to: MemoryEnd<Item>): void {
    this.carry(this.towards(to), () => to.arrive());
  }

  reset(to: MemoryEnd<Item>): void {
    this.carry(this.towards(to), () => to.cut());
  }

  forget(): void {
    this.forgotten = true;
  }

  cut(): void {
    for (const end of [this.dialler, this.server]) this.options.clock.after(shortMs, () => end.cut());
  }

  private towards(end: MemoryEnd<Item>): Direction {
    return end === this.server ? 'up' : 'down';
  }

  /** Pings the other end again and again. Without an answer the end is cut. */
  private ping(end: MemoryEnd<Item>): Timer {
    const { clock } = this.options;
    const [out, back] = end === this.dialler ? (['up', 'down'] as const) : (['down', 'up'] as const);
    const other = end === this.dialler ? this.server : this.dialler;
    let timer: Timer;
    const wait = (): void => {
      timer = clock.after(keepalive.timeMs, ask);
    };
    const ask = (): void => {
      let answered = false;
      this.carry(out, () => {
        if (other.owner !== undefined && !other.over) this.carry(back, () => void (answered = true));
      });
      timer = clock.after(keepalive.timeoutMs, () => (answered ? wait() : end.cancel()));
    };
    wait();
    return { cancel: () => timer.cancel() };
  }
}
