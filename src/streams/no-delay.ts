import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Switches Nagle's algorithm off where there is a TCP socket: streams are full of small frames that wait for answers. */
export function sendAtOnce(stream: Duplex): void {
  if (stream instanceof Socket) stream.setNoDelay(true);
}
