import type { EventBody } from '../core/events.js';

/** Counts the frontends that are open, by their events. */
export class OpenFrontends {
  private open = 0;
  private waiting: (() => void)[] = [];

  note({ kind }: EventBody): void {
    if (kind === 'frontend.opened') this.open += 1;
    if (kind !== 'frontend.closed') return;
    this.open -= 1;
    if (this.open === 0) this.release();
  }

  /** Resolves when all frontends have closed. */
  whenAllClosed(): Promise<void> {
    if (this.open === 0) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private release(): void {
    const told = this.waiting;
    this.waiting = [];
    for (const resolve of told) resolve();
  }
}
