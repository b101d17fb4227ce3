import type { Random } from '../core/random.js';

const firstMs = 800;
const growth = 2;
const maxMs = 30_000;

/** Pauses after failures, as in client-go: 0.8 s, doubled up to 30 s, times a random factor of up to two. */
export class WatchBackoff {
  private readonly random: Random;
  private failures = 0;

  constructor(random: Random) {
    this.random = random;
  }

  nextMs(): number {
    const delayMs = Math.min(firstMs * growth ** this.failures, maxMs);
    this.failures += 1;
    return delayMs * (1 + this.random.next());
  }

  reset(): void {
    this.failures = 0;
  }
}
