import type { Clock } from '../../core/clock.js';

interface Entry<V> {
  readonly value: V;
  readonly untilMs: number;
}

/** A cache whose values expire. Beyond `limit` the oldest are dropped. */
export class TtlCache<V> {
  private readonly entries = new Map<string, Entry<V>>();
  private readonly clock: Clock;
  private readonly limit: number;

  constructor(clock: Clock, limit: number) {
    this.clock = clock;
    this.limit = limit;
  }

  get(key: string): Entry<V> | undefined {
    const found = this.entries.get(key);
    if (found === undefined || found.untilMs > this.clock.now()) return found;
    this.entries.delete(key);
    return undefined;
  }

  set(key: string, value: V, ttlMs: number): void {
    this.entries.delete(key);
    this.entries.set(key, { value, untilMs: this.clock.now() + ttlMs });
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= this.limit) return;
      this.entries.delete(oldest);
    }
  }
}
