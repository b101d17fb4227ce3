import { LeaseCollector, type LeaseCollectorOptions } from './lease-collector.js';
import { LeaseKeeper } from './lease-keeper.js';

/** Creates and renews a server's lease, and removes those of dead servers, until it is closed. */
export class LeaseController {
  private readonly keeper: LeaseKeeper;
  private readonly stopping = new AbortController();
  private readonly running: Promise<unknown>;
  private released: Promise<void> | undefined;

  /** Starts at once. */
  constructor(options: LeaseCollectorOptions) {
    this.keeper = new LeaseKeeper(options);
    const { signal } = this.stopping;
    this.running = Promise.all([this.keeper.run(signal), new LeaseCollector(options).run(signal)]);
  }

  /** Stops and leaves the lease, which then expires, as after the end of a process. `release` then does nothing. */
  async close(): Promise<void> {
    this.stopping.abort();
    this.released ??= Promise.resolve();
    await this.running;
    await this.released;
  }

  /** Stops and removes the lease. Never rejects. */
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
