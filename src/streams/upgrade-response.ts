import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../core/clock.js';

type HeaderLine = readonly [name: string, value: string];

const lingerMs = 5_000;

function responseHead(status: number, lines: readonly HeaderLine[]): string {
  const reason = STATUS_CODES[status] ?? 'Unknown';
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `HTTP/1.1 ${status} ${reason}\r\n${head}\r\n`;
}

/** We own an upgraded socket, and an error without a listener ends the process. */
export function guardSocket(socket: Duplex): void {
  socket.on('error', () => undefined);
}

/** Writes the 101. With SPDY nothing may follow before the client's first frame. */
export function acceptUpgrade(socket: Duplex, token: string, lines: readonly HeaderLine[]): void {
  socket.write(responseHead(101, [['Connection', 'Upgrade'], ['Upgrade', token], ...lines]));
}

export interface Refusal {
  readonly status: number;
  /** The body: plain text unless `contentType` is given. */
  readonly body: string | Buffer;
  readonly contentType?: string;
  readonly headers?: readonly HeaderLine[];
}

export function refuseUpgrade(socket: Duplex, refusal: Refusal, clock: Clock): void {
  guardSocket(socket);
  const body = Buffer.from(refusal.body);
  const head = responseHead(refusal.status, [
    ...(refusal.headers ?? []),
    ['Content-Type', refusal.contentType ?? 'text/plain; charset=utf-8'],
    ['Content-Length', String(body.length)],
    ['Connection', 'close'],
  ]);
  socket.write(head);
  socket.write(body);
  endSoon(socket, clock);
}

/** A refusal without a body, as Go's library for WebSockets answers. */
export function refuseBare(socket: Duplex, status: number, clock: Clock): void {
  guardSocket(socket);
  socket.write(responseHead(status, [['Connection', 'close']]));
  endSoon(socket, clock);
}

/** Ends a socket after earlier writes. Later bytes are dropped: unread they would turn the close into a reset. */
export function endSoon(socket: Duplex, clock: Clock): void {
  const timer = clock.after(lingerMs, () => socket.destroy());
  socket.once('close', () => timer.cancel());
  if (socket.destroyed) timer.cancel();
  socket.end();
  socket.resume();
}
