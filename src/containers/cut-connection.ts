import type { Duplex } from 'node:stream';
import type { Clock } from '../core/clock.js';
import { createDuplexPair } from './io/duplex-pair.js';

/** The time for written bytes to be sent before a connection is cut. */
export const cutDelayMs = 100;

export function disconnectText(limitBytes: number): string {
  return `scripted disconnect after ${limitBytes} bytes`;
}

/** A connection that breaks after `limitBytes` from the target, if the target sends more. */
export function cutConnection(target: Duplex, limitBytes: number, clock: Clock): Duplex {
  const [near, far] = createDuplexPair();
  let leftBytes = limitBytes;
  const cut = (): void => {
    const message = disconnectText(limitBytes);
    near.destroy(Object.assign(new Error(message), { code: 'ECONNRESET' }));
  };
  target.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, leftBytes);
    leftBytes -= part.length;
    if (part.length > 0 && !far.write(part)) target.pause();
    if (part.length === chunk.length) return;
    target.pause();
    target.removeAllListeners('data');
    const timer = clock.after(cutDelayMs, cut);
    near.once('close', () => timer.cancel());
  });
  far.on('drain', () => void target.resume());
  target.once('end', () => void far.end());
  target.once('close', () => void far.destroy());
  near.once('close', () => void target.destroy());
  for (const stream of [target, far]) stream.on('error', () => undefined);
  target.once('error', (error) => void near.destroy(error));
  far.pipe(target);
  return near;
}
