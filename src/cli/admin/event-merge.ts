import type { LabEvent } from '../../core/events.js';

/** An event of one source, at its time by the reader's clock. */
export interface PlacedEvent {
  readonly source: string;
  /** Milliseconds since 1970, by the reader's clock as far as the source's offset is known. */
  readonly wallMs: number;
  readonly event: LabEvent;
  /** It came after younger ones had been handed on: its source was too late for its place. */
  readonly late: boolean;
}

export interface MergeOptions {
  /** How long a source that tells nothing can hold up the others, ms. */
  readonly patienceMs: number;
  readonly release: (event: PlacedEvent) => void;
}

interface Source {
  /** Its clock minus ours, ms. */
  offsetMs: number;
  /** Nothing older than this will come, by our clock. */
  watermark: number;
  /** When it last told anything, by our clock. */
  heardAt: number;
}

interface Waiting {
  readonly source: string;
  readonly wallMs: number;
  readonly event: LabEvent;
}

/**
 * Puts the events of several processes in one order. Each source's times are moved by its clock's offset; an event is
 * released as soon as no other source can still bring an older one. A source that is silent is waited for, but not for
 * longer than `patienceMs`; what it brings later is released at once, and marked.
 */
export class EventMerge {
  private readonly options: MergeOptions;
  private readonly sources = new Map<string, Source>();
  private waiting: Waiting[] = [];
  private releasedUpTo = Number.NEGATIVE_INFINITY;

  constructor(options: MergeOptions) {
    this.options = options;
  }

  /** Events that wait for their turn. */
  get waitingEvents(): number {
    return this.waiting.length;
  }

  /** A source is there (again). `offsetMs` is its clock minus ours. */
  join(source: string, offsetMs: number, nowMs: number): void {
    this.sources.set(source, { offsetMs, watermark: Number.NEGATIVE_INFINITY, heardAt: nowMs });
  }

  /** A source is gone: nobody waits for it any more. */
  leave(source: string, nowMs: number): void {
    this.sources.delete(source);
    this.turn(nowMs);
  }

  /** Events of a source in their order, with times by its clock, and its clock's time when it sent them. */
  add(
    source: string,
    batch: { readonly events: readonly { wallMs: number; event: LabEvent }[]; readonly sourceNowMs: number },
    nowMs: number,
  ): void {
    const known = this.sources.get(source);
    if (known === undefined) return;
    known.watermark = Math.max(known.watermark, batch.sourceNowMs - known.offsetMs);
    known.heardAt = nowMs;
    for (const { wallMs, event } of batch.events) {
      this.waiting.push({ source, wallMs: wallMs - known.offsetMs, event });
    }
    // Events of one source keep their order where times are equal: the sort is stable.
    this.waiting.sort((one, other) => one.wallMs - other.wallMs);
    this.turn(nowMs);
  }

  /** Looks who can be waited for no longer. Call it now and then. */
  turn(nowMs: number): void {
    let safe = Number.POSITIVE_INFINITY;
    for (const { watermark, heardAt } of this.sources.values()) {
      const silent = nowMs - heardAt > this.options.patienceMs;
      if (!silent) safe = Math.min(safe, watermark);
    }
    this.releaseUpTo(safe);
  }

  /** Releases all that waits. */
  flush(): void {
    this.releaseUpTo(Number.POSITIVE_INFINITY);
  }

  private releaseUpTo(wallMs: number): void {
    const ready = this.waiting.filter((one) => one.wallMs <= wallMs);
    if (ready.length === 0) return;
    this.waiting = this.waiting.slice(ready.length);
    for (const one of ready) {
      const late = one.wallMs < this.releasedUpTo;
      this.releasedUpTo = Math.max(this.releasedUpTo, one.wallMs);
      this.options.release({ ...one, late });
    }
  }
}

/** One reading of another clock between two of ours, all in ms. */
export interface ClockReading {
  readonly sentMs: number;
  readonly otherMs: number;
  readonly receivedMs: number;
}

/** The other clock minus ours, from the reading that took the shortest time; it is off by half of that at most. */
export function clockOffsetMs(readings: readonly ClockReading[]): number {
  let best: ClockReading | undefined;
  for (const one of readings) {
    if (best === undefined || one.receivedMs - one.sentMs < best.receivedMs - best.sentMs) best = one;
  }
  return best === undefined ? 0 : best.otherMs - (best.sentMs + best.receivedMs) / 2;
}
