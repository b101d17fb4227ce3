import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../core/clock.js';
import { sendAtOnce } from './no-delay.js';

export interface SpliceOptions {
  readonly clock: Clock;
  /** How long one direction may continue after the other has ended, ms. */
  readonly lingerMs: number;
}

/**
 * Joins a client's stream with the connection to a port. Half-closes are passed on. After one direction has ended, the
 * other has `lingerMs`, as in containerd and socat. kubectl closes the connection of a client that is gone with such a
 * half-close, and later bytes of the pod would hold up all others.
 *
 * Resolves when no more bytes will pass, with the target's error if it broke. The target is destroyed then. The
 * client's stream is ended, not destroyed. Never rejects.
 */
export function splice(client: Duplex, target: Duplex, options: SpliceOptions): Promise<Error | undefined> {
  sendAtOnce(target);
  return new Promise((resolve) => {
    let linger: Timer | undefined;
    let settled = false;
    const settle = (error?: Error): void => {
      if (settled) return;
      settled = true;
      linger?.cancel();
      client.unpipe(target);
      target.unpipe(client);
      target.destroy();
      resolve(error);
    };
    const oneDirectionIsOver = (): void => {
      if (!settled) linger ??= options.clock.after(options.lingerMs, () => settle());
    };
    target.on('error', settle);
    target.once('end', () => {
      if (target.writableFinished) settle();
      else oneDirectionIsOver();
    });
    target.once('finish', () => {
      if (target.readableEnded) settle();
      else oneDirectionIsOver();
    });
    target.once('close', () => settle());
    client.once('close', () => {
      // When both directions have ended, this is a close, too. Then the target decides when it is done.
      if (!client.readableEnded || !client.writableFinished) settle();
    });
    client.pipe(target);
    target.pipe(client);
  });
}
