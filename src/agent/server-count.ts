import { wantedServers } from '../core/agent/sync.js';
import { LeaseCounter, type LeaseCounterOptions, type LeaseCountOptions } from './lease-counter.js';

/** How an agent learns how many servers there are. */
export interface ServerCountOptions {
  /** `default`: the leases if they are counted, else what servers say; `max`: the larger of both. */
  readonly source: 'default' | 'max';
  /** Absent when no leases are counted. */
  readonly leases?: LeaseCountOptions;
}

export type ServerCountParts = Omit<LeaseCounterOptions, 'leases'>;

/** Konnectivity's words for where a count comes from. */
type Source = 'KNP server response headers' | 'KNP lease count';

/** How many servers an agent looks for. */
export class ServerCount {
  private readonly options: ServerCountOptions;
  private readonly parts: ServerCountParts;
  private counter: LeaseCounter | undefined;
  private announced: number | undefined;
  private told: string | undefined;

  constructor(options: ServerCountOptions, parts: ServerCountParts) {
    this.options = options;
    this.parts = parts;
  }

  /** Begins to count leases, if they shall be counted. Until the API has answered there is one server. */
  start(): void {
    const { leases } = this.options;
    if (leases !== undefined) this.counter ??= new LeaseCounter({ ...this.parts, leases });
  }

  /** What the newest server said. */
  announce(count: number): void {
    this.announced = count;
  }

  /** At least 1. */
  wanted(): number {
    return this.current().count;
  }

  /** Tells of a count that is another than the last one told of. Returns it. */
  show(): number {
    const { count, source } = this.current();
    const { emit, node, metrics } = this.parts;
    metrics.knownServerCount.set(count);
    const key = `${count} ${source}`;
    if (this.options.leases !== undefined && key !== this.told) {
      this.told = key;
      emit({ kind: 'servers.counted', node, count, text: source });
    }
    return count;
  }

  async close(): Promise<void> {
    await this.counter?.close();
  }

  private current(): { count: number; source: Source } {
    const announced = {
      count: wantedServers(this.announced),
      source: 'KNP server response headers',
    } as const;
    if (this.counter === undefined) return announced;
    const leased = { count: this.counter.count(), source: 'KNP lease count' } as const;
    return this.options.source === 'max' && announced.count > leased.count ? announced : leased;
  }
}
