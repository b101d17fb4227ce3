import { refusedStream } from '../containers/stream-refusal.js';
import type { Clock } from '../core/clock.js';

/** How long a token waits for its client. */
const lifeMs = 60_000;

/**
 * The bound on streams that are being set up, of the streaming server in a container runtime: each exec, attach and
 * port-forward takes a token, and its client fetches the stream with it. Here the two are one step, so that only the
 * tokens of requests without an upgrade stay; as with the real one until their minute is over.
 */
export class StreamTokens {
  private readonly clock: Clock;
  private readonly limit: number;
  /** When each outstanding token ends, oldest first. */
  private readonly ends: number[] = [];

  constructor(clock: Clock, limit: number) {
    this.clock = clock;
    this.limit = limit;
  }

  /** Throws TOO_MANY_REQUESTS when no token is left. */
  check(): void {
    while ((this.ends[0] ?? Number.POSITIVE_INFINITY) < this.clock.now()) this.ends.shift();
    if (this.ends.length >= this.limit) throw refusedStream('ResourceExhausted');
  }

  /** After `check`: the token that nobody comes for. */
  leave(): void {
    this.ends.push(this.clock.now() + lifeMs);
  }
}
