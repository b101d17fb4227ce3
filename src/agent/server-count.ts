import { wantedServers } from '../core/agent/sync.js';
import { LeaseCounter, type LeaseCounterOptions, type LeaseCountOptions } from './lease-counter.js';

export interface ServerCountOptions {
  /** `default`: the leases when they are counted, else the number that servers announce. `max`: the larger of both. */
  readonly source: 'default' | 'max';
  /** Absent when leases are not counted. */
  readonly leases?: LeaseCountOptions;
}

export type ServerCountParts = Omit<LeaseCounterOptions, 'leases'>;
/** Konnectivity's words for the source of a count. */
type Source = 'KNP server response headers' | 'KNP lease count';

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

  /** Starts to count leases, if that is wanted. Until the API has answered, the count is one server. */
  start(): void {
    const { leases } = this.options;
    if (leases !== undefined) this.counter ??= new LeaseCounter({ ...this.parts, leases });
  }

  /** Takes the count that a server has just announced. */
  announce(count: number): void {
    this.announced = count;
  }

  /** The number of servers to connect to, at least 1. */
  wanted(): number {
    return this.current().count;
  }

  /** Reports the count when it differs from the last report. Returns it. */
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
