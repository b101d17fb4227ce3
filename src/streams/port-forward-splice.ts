import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../core/clock.js';
import { sendAtOnce } from './no-delay.js';

export interface SpliceOptions {
  readonly clock: Clock;
  /** How long the other direction may go on once one has ended. */
  readonly lingerMs: number;
}

/**
 * Joins a client's stream with the connection to a port. Half-closes go through. Once one direction has ended, the
 * other has the linger, as in containerd and socat: kubectl closes the connection of a client that is gone with just
 * such a half-close, and what the pod goes on to send would be in the way of all others.
 *
 * Resolves when nothing more will pass, with the target's error if it broke. The target is destroyed by then; the
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
      // Over in both directions is a close too; then the target decides when it is done.
      if (!client.readableEnded || !client.writableFinished) settle();
    });
    client.pipe(target);
    target.pipe(client);
  });
}
