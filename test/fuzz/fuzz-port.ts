import { type CongestionMarks, CongestionMeter } from '../../src/core/congestion.js';
import type { Packet } from '../../src/core/packet.js';
import { type ClosablePort, type Congestible, QueueFront } from '../../src/core/port.js';
import type { Random } from '../../src/core/random.js';

const marks: CongestionMarks = { highBytes: 4096, lowBytes: 1024 };

/**
 * How many packets may be put into a stream that is full already. Every source that feeds it has one on its way, and a
 * machine owes some answers; but it is a number, however long the far end does not read.
 */
const maxBeyondFull = 4096;

/** One direction of a stream, whose far end reads when the test says. */
export class FuzzPort extends QueueFront<CongestionMeter> implements ClosablePort {
  /** Called when the machine cancels the stream, as drivers do: at once, and only once. */
  onCancel: () => void = () => undefined;
  private sizes: number[] = [];
  private beyondFull = 0;
  private over = false;
  private finished = false;

  constructor() {
    super(new CongestionMeter(marks));
  }

  send(packet: Packet): void {
    this.put(32 + (packet.kind === 'DATA' ? packet.data.length : 0));
  }

  put(sizeBytes: number): void {
    if (this.over || this.finished) return;
    this.beyondFull = this.congested ? this.beyondFull + 1 : 0;
    if (this.beyondFull > maxBeyondFull) throw new Error('a full stream is fed without bound');
    this.sizes.push(sizeBytes);
    this.queue.add(sizeBytes);
  }

  finish(): void {
    this.finished = true;
  }

  cancel(): void {
    if (this.over) return;
    this.close();
    this.onCancel();
  }

  /** The far end reads. */
  read(count: number): void {
    for (const size of this.sizes.splice(0, count)) this.queue.remove(size);
  }

  /** True when the far end has read it all. */
  get emptied(): boolean {
    return this.sizes.length === 0;
  }

  /** The stream is over, whoever wanted it. */
  close(): void {
    this.over = true;
    this.sizes = [];
    this.queue.clear();
  }
}

/** The other direction: what a peer sends, held back while what it goes to is full. */
export class FuzzSource {
  private held = false;

  /** Hands one packet to the machine as a driver does; false while it is held back. */
  feed(handle: () => Congestible | undefined): boolean {
    if (this.held) return false;
    const full = handle();
    if (full?.congested === true) {
      this.held = true;
      full.whenClear(() => {
        this.held = false;
      });
    }
    return true;
  }
}

/** How a peer reads: diligently, seldom, or not at all. */
export function readingPace(random: Random): (port: FuzzPort) => void {
  const chance = [0.5, 0.5, 0.02, 0][random.below(4)] ?? 0;
  return (port) => {
    if (random.next() < chance) port.read(1 + random.below(20));
  };
}

const usualSteps = 400;
const longSteps = 25_000;

/** How long one world lasts: most are short, for many beginnings and ends; some long enough to fill what has no bound. */
export function worldSteps(random: Random): number {
  return random.below(200) === 0 ? longSteps : usualSteps;
}
