import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../core/clock.js';
import { sendAtOnce } from './no-delay.js';

export interface SpliceOptions {
  readonly clock: Clock;
  /** How long the client may stay silent once the target has ended, before both directions are over. */
  readonly lingerMs: number;
}

/**
 * Joins a client's stream with the connection to a port. Half-closes go through: after the client's end the target's
 * answer still arrives whole, however late. After the target's end the client's direction is given up when it has been
 * silent for the linger: kubectl up to 1.31 sends its own FIN only after the server has ended the error stream.
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
      client.off('data', touch);
      client.unpipe(target);
      target.unpipe(client);
      target.destroy();
      resolve(error);
    };
    const restart = (): void => {
      linger?.cancel();
      linger = options.clock.after(options.lingerMs, () => settle());
    };
    const touch = (): void => {
      if (linger !== undefined) restart();
    };
    target.on('error', settle);
    target.once('end', () => {
      client.on('data', touch);
      restart();
      if (target.writableFinished) settle();
    });
    target.once('finish', () => {
      if (target.readableEnded) settle();
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
