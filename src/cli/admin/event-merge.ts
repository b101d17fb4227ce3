import type { LabEvent } from '../../core/events.js';

/** An event of one source, with its time by the reader's clock. */
export interface PlacedEvent {
  readonly source: string;
  /** Milliseconds since 1970 by the reader's clock, as far as the source's offset is known. */
  readonly wallMs: number;
  readonly event: LabEvent;
  /** True when later events were passed on before it, because its source was too slow. */
  readonly late: boolean;
}

export interface MergeOptions {
  /** How long a silent source can hold up the others, ms. */
  readonly patienceMs: number;
  readonly release: (event: PlacedEvent) => void;
}

interface Source {
  /** Its clock minus ours, ms. */
  offsetMs: number;
  /** No event before this time will come, by our clock. */
  watermark: number;
  /** When its last event came, by our clock. */
  heardAt: number;
}

interface Waiting {
  readonly source: string;
  readonly wallMs: number;
  readonly event: LabEvent;
}

/**
 * Puts the events of several processes in one order. The times of each source are corrected by its clock's offset. An
 * event is passed on as soon as no other source can still send an older one. The merge waits for a silent source, but
 * not longer than `patienceMs`; its later events are passed on at once, and marked.
 */
export class EventMerge {
  private readonly options: MergeOptions;
  private readonly sources = new Map<string, Source>();
  private waiting: Waiting[] = [];
  private releasedUpTo = Number.NEGATIVE_INFINITY;

  constructor(options: MergeOptions) {
    this.options = options;
  }

  get waitingEvents(): number {
    return this.waiting.length;
  }

  /** A source has connected, maybe again. `offsetMs` is its clock minus ours. */
  join(source: string, offsetMs: number, nowMs: number): void {
    this.sources.set(source, { offsetMs, watermark: Number.NEGATIVE_INFINITY, heardAt: nowMs });
  }

  /** A source is gone: the merge does not wait for it any more. */
  leave(source: string, nowMs: number): void {
    this.sources.delete(source);
    this.turn(nowMs);
  }

  /** Adds events of a source in their order, with times by its clock, and the time by its clock when it sent them. */
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
    // Events of one source with equal times keep their order: the sort is stable.
    this.waiting.sort((one, other) => one.wallMs - other.wallMs);
    this.turn(nowMs);
  }

  /** Checks which sources are too late to wait for. Call it from time to time. */
  turn(nowMs: number): void {
    let safe = Number.POSITIVE_INFINITY;
    for (const { watermark, heardAt } of this.sources.values()) {
      const silent = nowMs - heardAt > this.options.patienceMs;
      if (!silent) safe = Math.min(safe, watermark);
    }
    this.releaseUpTo(safe);
  }

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

/** One reading of another clock between two of ours, ms. */
export interface ClockReading {
  readonly sentMs: number;
  readonly otherMs: number;
  readonly receivedMs: number;
}

/** The other clock minus ours, from the shortest reading. The error is at most half of that reading's duration. */
export function clockOffsetMs(readings: readonly ClockReading[]): number {
  let best: ClockReading | undefined;
  for (const one of readings) {
    if (best === undefined || one.receivedMs - one.sentMs < best.receivedMs - best.sentMs) best = one;
  }
  return best === undefined ? 0 : best.otherMs - (best.sentMs + best.receivedMs) / 2;
}
