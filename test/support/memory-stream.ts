import { type Backlog, type CongestionMarks, CongestionMeter } from '../../src/core/congestion.js';
import type { Packet } from '../../src/core/packet.js';
import { type Congestible, QueueFront } from '../../src/core/port.js';

/** What the owner of one end is told; as the drivers of real streams tell it. */
export interface MemoryOwner<Item = Packet> {
  /** Returns the queue that is now too full to take more. */
  packet(item: Item): Congestible | undefined;
  /** Called once. `lost` after a cancel or a cut. */
  ended(how: 'finished' | 'lost'): void;
  /** The other end has taken an item of this size. */
  took?(size: number): void;
}

/** What brings the items of a stream to their end. */
export interface Carrier<Item> {
  /** One more item is on its way. Call `to.arrive()` when it is there. */
  queued(to: MemoryEnd<Item>): void;
  /** A reset is on its way. Call `to.cut()` when it is there. */
  reset(to: MemoryEnd<Item>): void;
}

export interface MemoryTuning<Item> {
  /** Default: items wait until the owner of the pair calls `deliver`, and a reset arrives at once. */
  readonly carrier?: Carrier<Item>;
  /** When the queue to the other end is full. Default: with more than three items. */
  readonly marks?: CongestionMarks;
  /** The size of an item. Default 1. */
  readonly sizeOf?: (item: Item) => number;
  /** Limits the queue together with others. */
  readonly together?: Backlog | undefined;
}

const fewItems: CongestionMarks = { highBytes: 3, lowBytes: 3 };

/**
 * One end of a stream, in memory. Items of a direction arrive in order, unless `nextOf` says otherwise. It behaves as gRPC
 * does: a cancel overtakes what is queued.
 */
export class MemoryEnd<Item = Packet> extends QueueFront<CongestionMeter> {
  owner: MemoryOwner<Item> | undefined;
  peer: MemoryEnd<Item> | undefined;
  /** The place of the item that is delivered next. */
  nextOf: (inbox: readonly (Item | 'finished')[]) => number = () => 0;
  /** Called once, when this end is over. */
  closed: () => void = () => undefined;
  private readonly tuning: MemoryTuning<Item>;
  private readonly inbox: (Item | 'finished')[] = [];
  /** How many items of the inbox are there, and wait only for the owner. */
  private arrived = 0;
  private writable = true;
  private isOver = false;
  private held = false;

  constructor(tuning: MemoryTuning<Item> = {}) {
    super(new CongestionMeter(tuning.marks ?? fewItems, tuning.together));
    this.tuning = tuning;
  }

  /** True when nothing more comes. */
  get over(): boolean {
    return this.isOver;
  }

  /** True when `deliver` would do something. */
  get deliverable(): boolean {
    return !this.isOver && !this.held && this.inbox.length > 0;
  }

  send(item: Item): void {
    if (!this.writable) return;
    this.queue.add(this.sizeOf(item));
    this.push(item);
  }

  finish(): void {
    if (this.writable) this.push('finished');
    this.writable = false;
  }

  cancel(): void {
    if (this.isOver) return;
    this.resetPeer();
    this.end('lost');
  }

  /** The process of this end dies: nothing that its owner still does is sent. `silent`: the other end is not told either. */
  die(silent: boolean): void {
    this.writable = false;
    if (!silent && !this.isOver) this.resetPeer();
  }

  /** The transport under the stream is gone. */
  cut(): void {
    this.inbox.splice(0);
    this.end('lost');
  }

  /** An item is there. The owner gets it at once, unless it must not read now. */
  arrive(): void {
    this.arrived += 1;
    this.deliverArrived();
  }

  deliver(): void {
    if (this.isOver) return;
    const [item] = this.inbox.splice(this.nextOf(this.inbox), 1);
    if (item === undefined) return;
    if (item === 'finished') return this.end('finished');
    this.peer?.taken(this.sizeOf(item));
    const full = this.owner?.packet(item);
    if (full === undefined || !full.congested) return;
    this.held = true;
    full.whenClear(() => {
      this.held = false;
      this.deliverArrived();
    });
  }

  private deliverArrived(): void {
    while (this.arrived > 0 && this.deliverable) {
      this.arrived -= 1;
      this.deliver();
    }
  }

  private push(item: Item | 'finished'): void {
    if (this.peer === undefined) return;
    this.peer.inbox.push(item);
    this.tuning.carrier?.queued(this.peer);
  }

  private resetPeer(): void {
    if (this.peer === undefined) return;
    if (this.tuning.carrier === undefined) this.peer.cut();
    else this.tuning.carrier.reset(this.peer);
  }

  private sizeOf(item: Item): number {
    return this.tuning.sizeOf?.(item) ?? 1;
  }

  private taken(size: number): void {
    this.queue.remove(size);
    if (!this.isOver) this.owner?.took?.(size);
  }

  private end(how: 'finished' | 'lost'): void {
    if (this.isOver) return;
    this.isOver = true;
    this.closed();
    this.owner?.ended(how);
    this.finish();
    this.queue.clear();
  }
}

/** Two ends of one stream. */
export function memoryPair<Item = Packet>(
  first: MemoryTuning<Item> = {},
  second: MemoryTuning<Item> = first,
): [MemoryEnd<Item>, MemoryEnd<Item>] {
  const [a, b] = [new MemoryEnd(first), new MemoryEnd(second)];
  a.peer = b;
  b.peer = a;
  return [a, b];
}
