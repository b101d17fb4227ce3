/** What passes a direction of a flow: bytes, its end, or its reset. */
export type Item = Uint8Array | 'end' | 'reset';

/** What a fault does with one direction of one flow while it is on. */
export interface Stage {
  /** An item has come. The stage passes on what continues, now or later, in order. */
  take(item: Item): void;
  /** The fault is over: the stage passes on all that it holds, at once, and gets no more items. */
  release(): void;
}

/** Passes an item on to the next stage, or to the other side of the flow. */
export type Pass = (item: Item) => void;

export interface LanePort {
  write(bytes: Uint8Array): void;
  end(): void;
  reset(): void;
  /** Its stages hold more than they may (true), or less again (false). */
  full(isFull: boolean): void;
}

/** What the stages of one direction may hold, bytes: about what TCP has under way on a long link. */
const maxHeldBytes = 4 * 1024 * 1024;

/** One direction of a flow: a chain of stages, in the order of their faults. Without a fault bytes pass at once. */
export class Lane {
  private readonly port: LanePort;
  private readonly stages: Stage[] = [];
  private heldBytes = 0;
  private isFull = false;

  constructor(port: LanePort) {
    this.port = port;
  }

  take(item: Item): void {
    const [first] = this.stages;
    if (first === undefined) return this.deliver(item);
    if (typeof item !== 'string') this.hold(item.length);
    first.take(item);
  }

  /** Adds a stage at the end. Call the returned function to remove it; what it holds passes on. */
  add(make: (pass: Pass) => Stage): () => void {
    const stage = make((item) => this.passFrom(stage, item));
    this.stages.push(stage);
    return () => {
      if (!this.stages.includes(stage)) return;
      stage.release();
      this.stages.splice(this.stages.indexOf(stage), 1);
    };
  }

  private passFrom(stage: Stage, item: Item): void {
    const next = this.stages[this.stages.indexOf(stage) + 1];
    if (next !== undefined) return next.take(item);
    if (typeof item !== 'string') this.hold(-item.length);
    this.deliver(item);
  }

  private deliver(item: Item): void {
    if (item === 'end') this.port.end();
    else if (item === 'reset') this.port.reset();
    else this.port.write(item);
  }

  private hold(bytes: number): void {
    this.heldBytes += bytes;
    const isFull = this.heldBytes > maxHeldBytes;
    if (isFull === this.isFull) return;
    this.isFull = isFull;
    this.port.full(isFull);
  }
}
