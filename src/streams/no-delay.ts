import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Turns off Nagle's algorithm for TCP sockets: streams have many small frames that wait for answers. */
export function sendAtOnce(stream: Duplex): void {
  if (stream instanceof Socket) stream.setNoDelay(true);
}
