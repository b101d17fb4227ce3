import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../../core/clock.js';

/** How long a closed connection waits for the peer to read the rest, and then to close its side, ms. */
const flushTimeoutMs = 60_000;
const lingerMs = 5_000;

/** Destroys a socket that is being ended when its peer takes too long. */
export class CloseTimeout {
  private readonly socket: Duplex;
  private readonly clock: Clock;
  private timer: Timer | undefined;

  constructor(socket: Duplex, clock: Clock) {
    this.socket = socket;
    this.clock = clock;
  }

  /** Call this once, before the socket's `end()`. Without `peerListens` it does not wait for the peer. */
  start(peerListens: boolean): void {
    const restart = (): void => {
      if (this.timer !== undefined) this.wait(lingerMs);
    };
    this.socket.once('finish', restart);
    this.wait(peerListens ? flushTimeoutMs : lingerMs);
  }

  cancel(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  private wait(timeoutMs: number): void {
    this.timer?.cancel();
    this.timer = this.clock.after(timeoutMs, () => this.socket.destroy());
  }
}
