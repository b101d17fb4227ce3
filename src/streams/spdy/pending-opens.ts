import type { Clock, Timer } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import type { SpdyStream } from './stream.js';

interface Waiter {
  readonly timer: Timer;
  readonly settle: (error?: TunnelError) => void;
}

/** Streams that wait for the peer's SYN_REPLY. */
export class PendingOpens {
  private readonly clock: Clock;
  private readonly waiters = new Map<SpdyStream, Waiter>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  wait(stream: SpdyStream, timeoutMs: number): Promise<SpdyStream> {
    return new Promise((resolve, reject) => {
      const timer = this.clock.after(timeoutMs, () => {
        this.refused(stream, new TunnelError('DIAL_TIMEOUT', 'Timeout occurred'));
        stream.destroy();
      });
      const settle = (error?: TunnelError): void => (error === undefined ? resolve(stream) : reject(error));
      this.waiters.set(stream, { timer, settle });
    });
  }

  replied(stream: SpdyStream): void {
    this.take(stream)?.settle();
  }

  refused(stream: SpdyStream, error: TunnelError): void {
    this.take(stream)?.settle(error);
  }

  failAll(error: TunnelError): void {
    for (const stream of [...this.waiters.keys()]) this.refused(stream, error);
  }

  private take(stream: SpdyStream): Waiter | undefined {
    const waiter = this.waiters.get(stream);
    this.waiters.delete(stream);
    waiter?.timer.cancel();
    return waiter;
  }
}
