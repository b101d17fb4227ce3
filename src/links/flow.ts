import type { Clock } from '../core/clock.js';
import { Lane, type LanePort, type Pass, type Stage } from './lane.js';

/** How a link ends a flow: `reset` and `fin` tell both ends; `drop` tells neither, and loses later bytes. */
export type FlowVerdict = 'drop' | 'reset' | 'fin';
/** The two ends of a flow: the client that connected, and the target. */
export type FlowSide = 'client' | 'target';
/** How a flow ended: `cut` by a fault or a device, which told the ends; `forgotten` without telling them. */
export type FlowEnd = 'fin' | 'reset' | 'cut' | 'forgotten';

export interface FlowPort {
  write(side: FlowSide, bytes: Uint8Array): void;
  /** Ends one side's socket after the bytes written to it. */
  end(side: FlowSide): void;
  /** Ends one side's socket with a reset. */
  reset(side: FlowSide): void;
  /** Stops reading from a side (true), or continues (false), because its faults hold too many bytes. */
  hold(side: FlowSide, held: boolean): void;
  /** The link has ended the flow. Called once, before the ends are told. */
  stopped(verdict: FlowVerdict, idleMs: number): void;
  /** Bytes arrived for a flow that the link has ended. Called only for the first ones. */
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

/** How a dropped flow treats its ends. */
export interface DropManner {
  /** The end whose connection is reset. Default: neither. */
  readonly told?: FlowSide;
  /** True resets an end when it sends again. Default false: its bytes are lost. */
  readonly answers?: boolean;
}

interface ByteMark {
  readonly from: FlowSide;
  /** How many bytes of this side pass before it. */
  readonly at: number;
  readonly reached: () => void;
}

export const otherSide = { client: 'target', target: 'client' } as const;
const bothSides = ['client', 'target'] as const;

/** One TCP flow through a link. Its faults change what passes, and end it. It has no sockets and no timers. */
export class FlowMachine {
  private readonly clock: Clock;
  private readonly port: FlowPort;
  private readonly sides: Record<FlowSide, 'open' | 'ended' | 'gone'> = { client: 'open', target: 'open' };
  private readonly bytes = { client: 0, target: 0, lost: 0 };
  private readonly lanes: Record<FlowSide, Lane>;
  private readonly born: number;
  private marks: ByteMark[] = [];
  private lastActivity: number;
  private ending: FlowEnd = 'fin';
  private isOver = false;
  private answers = false;
  /** It is over, but what its lanes hold still passes. */
  private empties = false;
  private toldLoss = false;

  constructor(clock: Clock, port: FlowPort) {
    this.clock = clock;
    this.port = port;
    this.born = this.lastActivity = clock.now();
    this.lanes = { client: new Lane(this.laneFrom('client')), target: new Lane(this.laneFrom('target')) };
  }

  get counts(): FlowCounts {
    return this.bytes;
  }

  /** How long neither side has sent, ms. */
  get idleMs(): number {
    return this.clock.now() - this.lastActivity;
  }

  get ageMs(): number {
    return this.clock.now() - this.born;
  }

  /** True when nothing passes any more: it was cut or forgotten, or both sides have closed. */
  get over(): boolean {
    return this.isOver;
  }

  /** Bytes came from one side. */
  received(from: FlowSide, bytes: Uint8Array): void {
    this.lastActivity = this.clock.now();
    this.carry(from, bytes);
  }

  /** One side ended its direction. A flow that is over does not pass that on. */
  ended(from: FlowSide): void {
    if (this.sides[from] !== 'open') return;
    this.sides[from] = 'ended';
    this.lastActivity = this.clock.now();
    if (this.isOver) this.port.end(from);
    else this.lanes[from].take('end');
  }

  /** One side's socket has closed; `broken` when it did not end in order. */
  gone(from: FlowSide, broken: boolean): void {
    if (this.sides[from] === 'gone') return;
    const inOrder = this.sides[from] === 'ended' && !broken;
    this.sides[from] = 'gone';
    if (this.sides[otherSide[from]] === 'gone') return this.finish();
    if (this.isOver || inOrder) return;
    this.ending = 'reset';
    this.lanes[from].take('reset');
  }

  /** Adds a stage to the bytes from one side. Call the returned function to remove it. */
  addStage(from: FlowSide, make: (pass: Pass) => Stage): () => void {
    return this.lanes[from].add(make);
  }

  /** Calls `reached` when `afterBytes` more bytes have come from a side, before the next one passes. */
  atBytes(from: FlowSide, afterBytes: number, reached: () => void): () => void {
    const mark = { from, at: this.bytes[from] + afterBytes, reached };
    this.marks.push(mark);
    return () => {
      this.marks = this.marks.filter((each) => each !== mark);
    };
  }

  /** Ends the flow. With `drop`, neither end hears of it unless `manner` says so. */
  stop(verdict: FlowVerdict, { told, answers = false }: DropManner = {}): void {
    if (this.isOver) return;
    this.isOver = true;
    this.empties = verdict === 'fin';
    this.answers = answers;
    this.ending = verdict === 'drop' ? 'forgotten' : 'cut';
    this.port.stopped(verdict, this.idleMs);
    for (const side of bothSides) {
      // Behind the bytes that faults still hold.
      if (verdict === 'fin') this.lanes[otherSide[side]].take('end');
      else if (verdict === 'reset' || side === told) this.port.reset(side);
      // The bytes of an end that was not told are read and dropped.
      this.port.hold(side, false);
    }
  }

  private carry(from: FlowSide, bytes: Uint8Array): void {
    const mark = this.marks.length === 0 ? undefined : this.nextMark(from, bytes.length);
    if (mark === undefined) return this.pass(from, bytes);
    const head = mark.at - this.bytes[from];
    this.marks = this.marks.filter((each) => each !== mark);
    if (head > 0) this.pass(from, bytes.subarray(0, head));
    mark.reached();
    if (head < bytes.length) this.carry(from, bytes.subarray(head));
  }

  private nextMark(from: FlowSide, sizeBytes: number): ByteMark | undefined {
    const due = this.marks.filter((mark) => mark.from === from && mark.at <= this.bytes[from] + sizeBytes);
    return due.sort((one, other) => one.at - other.at)[0];
  }

  private pass(from: FlowSide, bytes: Uint8Array): void {
    this.bytes[from] += bytes.length;
    if (!this.isOver) return this.lanes[from].take(bytes);
    this.bytes.lost += bytes.length;
    if (!this.toldLoss) this.port.lost(from, bytes.length);
    this.toldLoss = true;
    if (this.answers) this.port.reset(from);
  }

  private laneFrom(from: FlowSide): LanePort {
    const to = otherSide[from];
    const unlessOver = (act: () => void): void => {
      if (!this.isOver || this.empties) act();
    };
    return {
      write: (bytes) => {
        if (!this.isOver || this.empties) this.port.write(to, bytes);
      },
      end: () => unlessOver(() => this.port.end(to)),
      reset: () => unlessOver(() => this.port.reset(to)),
      full: (isFull) => {
        if (!this.isOver) this.port.hold(from, isFull);
      },
    };
  }

  private finish(): void {
    this.isOver = true;
    this.port.closed(this.ending);
  }
}
