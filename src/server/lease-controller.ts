import { LeaseCollector, type LeaseCollectorOptions } from './lease-collector.js';
import { LeaseKeeper } from './lease-keeper.js';

/** A server's lease: made and renewed, and those of dead servers removed, until it ends. */
export class LeaseController {
  private readonly keeper: LeaseKeeper;
  private readonly stopping = new AbortController();
  private readonly running: Promise<unknown>;
  private released: Promise<void> | undefined;

  /** Begins at once. */
  constructor(options: LeaseCollectorOptions) {
    this.keeper = new LeaseKeeper(options);
    const { signal } = this.stopping;
    this.running = Promise.all([this.keeper.run(signal), new LeaseCollector(options).run(signal)]);
  }

  /** Leaves the lease to expire, as the end of a process would. */
  async close(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.released;
  }

  /** Removes the lease. Never rejects. */
  release(): Promise<void> {
    this.released ??= this.removed();
    return this.released;
  }

  private async removed(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.keeper.release();
  }
}
