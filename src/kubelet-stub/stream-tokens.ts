import { refusedStream } from '../containers/stream-refusal.js';
import type { Clock } from '../core/clock.js';

/** How long a token waits for its client. */
const lifeMs = 60_000;

/**
 * Limits the streams that are being set up, as the streaming server of a container runtime does. There, each exec,
 * attach and port-forward takes a token, and the client fetches the stream with it. Here both are one step, so only the
 * tokens of requests without an upgrade remain; they expire after a minute as the real ones do.
 */
export class StreamTokens {
  private readonly clock: Clock;
  private readonly limit: number;
  /** When each unused token expires, oldest first. */
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

  /** Call it after `check`, for a token that will not be fetched. */
  leave(): void {
    this.ends.push(this.clock.now() + lifeMs);
  }
}
