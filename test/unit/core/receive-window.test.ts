import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import {
  maxWindowBytes,
  ReceiveWindow,
  WindowBudget,
  windowBytes,
} from '../../../src/core/receive-window.js';

const packetBytes = 128 * 1024;

interface Way {
  readonly roundTripMs: number;
  /** What the slowest link of the way carries. */
  readonly bytesPerMs: number;
  readonly budget?: WindowBudget;
  /** Sends that much at once, and then waits for its time. Default: always has something to send. */
  readonly burst?: { readonly bytes: number; readonly everyMs: number };
}

/** A sender that sends what it may over a link with a queue, to a reader that takes all at once. */
class Transfer {
  readonly window: ReceiveWindow;
  private readonly clock = new ManualClock();
  private readonly way: Way;
  private sendable = windowBytes;
  private ready = 0;
  private linkFreeMs = 0;
  private got = 0;
  private granted = windowBytes;

  constructor(way: Way) {
    this.way = way;
    this.window = new ReceiveWindow(this.clock, way.budget ?? new WindowBudget());
    this.clock.advance(way.roundTripMs);
    this.window.answered();
    // What comes later may have waited in queues.
    this.clock.advance(1000);
    this.window.answered();
    if (way.burst === undefined) this.ready = Number.POSITIVE_INFINITY;
    else this.refill(way.burst);
    this.send();
  }

  run(bytes: number): this {
    const until = this.got + bytes;
    while (this.got < until) this.clock.advance(1);
    return this;
  }

  /** How large the window is: what the sender may send that has not been credited. */
  get sizeBytes(): number {
    return this.granted;
  }

  private refill(burst: NonNullable<Way['burst']>): void {
    this.ready += burst.bytes;
    this.clock.after(burst.everyMs, () => this.refill(burst));
    this.send();
  }

  private send(): void {
    const { roundTripMs, bytesPerMs } = this.way;
    while (Math.min(this.sendable, this.ready) >= packetBytes) {
      this.sendable -= packetBytes;
      this.ready -= packetBytes;
      const now = this.clock.now();
      this.linkFreeMs = Math.max(this.linkFreeMs, now) + packetBytes / bytesPerMs;
      this.clock.after(this.linkFreeMs - now + roundTripMs / 2, () => this.receive());
    }
  }

  private receive(): void {
    this.got += packetBytes;
    expect(this.window.received(packetBytes)).toBe(true);
    const credit = this.window.took(packetBytes);
    if (credit === 0) return;
    this.clock.after(this.way.roundTripMs / 2, () => {
      this.sendable += credit;
      this.send();
    });
    this.granted += credit;
    this.taken();
  }

  private credited = 0;
  private taken(): void {
    this.granted -= this.got - this.credited;
    this.credited = this.got;
  }
}

const mib = 1024 * 1024;
const fast = mib;

describe('the window of a connection', () => {
  it.each([
    ['a short way', { roundTripMs: 0.1, bytesPerMs: fast }, windowBytes],
    ['10 ms, and a fast link', { roundTripMs: 10, bytesPerMs: fast }, maxWindowBytes],
    ['50 ms, and a fast link', { roundTripMs: 50, bytesPerMs: fast }, maxWindowBytes],
    ['50 ms, and a link that needs a window and a half', { roundTripMs: 50, bytesPerMs: mib / 40 }, 4 * mib],
    ['a short way with a slow link', { roundTripMs: 1, bytesPerMs: mib / 500 }, windowBytes],
    ['50 ms with a slow link', { roundTripMs: 50, bytesPerMs: mib / 500 }, windowBytes],
    [
      'a source that has little to send',
      { roundTripMs: 50, bytesPerMs: fast, burst: { bytes: packetBytes, everyMs: 20 } },
      windowBytes,
    ],
  ])('on %s grows as far as it limits the connection', (_what, way: Way, bytes) => {
    expect(new Transfer(way).run(way.burst === undefined ? 200 * mib : 8 * mib).sizeBytes).toBe(bytes);
  });

  it('leaves what is under way alone when its budget is used up, and gives it back at its end', () => {
    const budget = new WindowBudget();
    const way = { roundTripMs: 50, bytesPerMs: fast, budget };
    const many = Array.from({ length: 6 }, () => new Transfer(way).run(100 * mib));
    const sizes = many.map(({ sizeBytes }) => sizeBytes / mib);
    expect(sizes).toEqual([16, 16, 16, 16, 4, 2]);
    for (const { window } of many) window.close();
    for (const { window } of many) window.close();
    expect(budget.take(64 * mib)).toBe(true);
    expect(budget.take(1)).toBe(false);
  });
});
