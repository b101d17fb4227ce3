import type { Clock, Timer } from './clock.js';

/** What a bound needs of a socket. */
interface Connection {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  destroy(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/**
 * Ends connections that keep their port waiting: for the end of a handshake, for a request, or for the next one. Bytes
 * that come do not make the wait longer. A TLS socket and the TCP socket below it are the same connection.
 */
export class ConnectionBounds {
  private readonly clock: Clock;
  private readonly timers = new Map<unknown, Timer>();
  private readonly requests = new Map<unknown, number>();
  /** One listener for each socket, however many requests it carries. */
  private readonly watched = new WeakSet<Connection>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Destroys the socket unless `met` is called within the time. Takes the place of an earlier wait. */
  expect(socket: Connection, withinMs: number): void {
    const key = keyOf(socket);
    this.timers.get(key)?.cancel();
    this.timers.set(
      key,
      this.clock.after(withinMs, () => socket.destroy(), true),
    );
    if (this.watched.has(socket)) return;
    this.watched.add(socket);
    socket.once('close', () => {
      this.met(socket);
      this.requests.delete(key);
    });
  }

  /** What was waited for has come. False when nothing was waited for. */
  met(socket: Connection): boolean {
    const key = keyOf(socket);
    this.timers.get(key)?.cancel();
    return this.timers.delete(key);
  }

  /** A request of HTTP/1.1 has come. Several may be under way on one connection, as clients may send them in a row. */
  requestBegins(socket: Connection): void {
    this.met(socket);
    const key = keyOf(socket);
    this.requests.set(key, (this.requests.get(key) ?? 0) + 1);
  }

  /** A request is answered. The next one has to come within `idleMs`. */
  requestEnds(socket: Connection & { readonly destroyed: boolean }, idleMs: number): void {
    const key = keyOf(socket);
    const left = (this.requests.get(key) ?? 1) - 1;
    if (left > 0) this.requests.set(key, left);
    else this.requests.delete(key);
    if (left === 0 && !socket.destroyed) this.expect(socket, idleMs);
  }
}

/** Unix sockets have no port, but no TLS either. */
function keyOf(socket: Connection): unknown {
  return socket.remotePort === undefined ? socket : `${socket.remoteAddress ?? ''}|${socket.remotePort}`;
}
