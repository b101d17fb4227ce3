import type { Packet } from '../../src/core/packet.js';
import type { ClosablePort, Congestible } from '../../src/core/port.js';

/** What the owner of one end is told; as the drivers of real streams tell it. */
export interface MemoryOwner {
  packet(packet: Packet): Congestible | undefined;
  /** Once. `lost` after a cancel or a cut. */
  ended(how: 'finished' | 'lost'): void;
}

/**
 * One end of a stream of packets that is delivered by hand, one item at a time: in order within a direction, in any
 * order between streams, unless `nextOf` says otherwise. It behaves as gRPC does: a cancel overtakes what is queued.
 */
export class MemoryEnd implements ClosablePort {
  owner: MemoryOwner | undefined;
  peer: MemoryEnd | undefined;
  takenBytes = 0;
  /** The place of the item that is delivered next. */
  nextOf: (inbox: readonly (Packet | 'finished')[]) => number = () => 0;
  private readonly inbox: (Packet | 'finished')[] = [];
  private writable = true;
  private over = false;
  private held = false;
  private waiting: (() => void)[] = [];
  private readonly fullAt: number;

  /** `fullAt`: how many packets make a queue full. */
  constructor(fullAt: number) {
    this.fullAt = fullAt;
  }

  get congested(): boolean {
    return !this.over && (this.peer?.inbox.length ?? 0) > this.fullAt;
  }

  /** True when `deliver` would do something. */
  get deliverable(): boolean {
    return !this.over && !this.held && this.inbox.length > 0;
  }

  send(packet: Packet): void {
    if (this.writable) this.peer?.inbox.push(packet);
  }

  finish(): void {
    if (this.writable) this.peer?.inbox.push('finished');
    this.writable = false;
  }

  cancel(): void {
    if (this.over) return;
    this.peer?.cut();
    this.end('lost');
  }

  /** The transport under the stream is gone. */
  cut(): void {
    this.inbox.splice(0);
    this.end('lost');
  }

  whenClear(resume: () => void): void {
    this.waiting.push(resume);
  }

  deliver(): void {
    const [item] = this.inbox.splice(this.nextOf(this.inbox), 1);
    if (item === undefined) return;
    this.peer?.taken();
    if (item === 'finished') return this.end('finished');
    const full = this.owner?.packet(item);
    if (full === undefined || !full.congested) return;
    this.held = true;
    full.whenClear(() => {
      this.held = false;
    });
  }

  private taken(): void {
    this.takenBytes += 1;
    if (!this.congested) this.wake();
  }

  private end(how: 'finished' | 'lost'): void {
    if (this.over) return;
    this.over = true;
    this.owner?.ended(how);
    this.finish();
    this.wake();
  }

  private wake(): void {
    const woken = this.waiting;
    this.waiting = [];
    for (const resume of woken) resume();
  }
}

/** `fullAt`: how many packets make each queue full. */
export function memoryPair(fullAt = 3): [MemoryEnd, MemoryEnd] {
  const [a, b] = [new MemoryEnd(fullAt), new MemoryEnd(fullAt)];
  a.peer = b;
  b.peer = a;
  return [a, b];
}
