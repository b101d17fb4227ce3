import type { Clock, Timer } from './clock.js';

/** The part of a socket that is used here. */
interface Connection {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  destroy(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/**
 * Ends connections that make their port wait too long: for the end of a handshake, for a request, or for the next one.
 * Bytes that come in do not make the wait longer. A TLS socket and the TCP socket below it count as one connection.
 */
export class ConnectionBounds {
  private readonly clock: Clock;
  private readonly timers = new Map<unknown, { readonly timer: Timer; readonly socket: Connection }>();
  private readonly requests = new Map<unknown, { count: number; readonly socket: Connection }>();
  /** Sockets that have a listener already; each gets one, also with many requests. */
  private readonly watched = new WeakSet<Connection>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Destroys the socket unless `met` is called within `withinMs`. Replaces an earlier wait. */
  expect(socket: Connection, withinMs: number): void {
    const key = keyOf(socket);
    this.timers.get(key)?.timer.cancel();
    const timer = this.clock.after(withinMs, () => socket.destroy(), true);
    this.timers.set(key, { timer, socket });
    this.watch(socket);
  }

  /** Ends the wait. Returns false when there was none. */
  met(socket: Connection): boolean {
    const key = keyOf(socket);
    this.timers.get(key)?.timer.cancel();
    return this.timers.delete(key);
  }

  /** An HTTP/1.1 request came in. A client may send several, without waiting for the answers. */
  requestBegins(socket: Connection): void {
    this.met(socket);
    const key = keyOf(socket);
    const begun = this.requests.get(key);
    if (begun?.socket === socket) begun.count += 1;
    else this.requests.set(key, { count: 1, socket });
    this.watch(socket);
  }

  /** A request is answered. The next one must come within `idleMs`. */
  requestEnds(socket: Connection & { readonly destroyed: boolean }, idleMs: number): void {
    const key = keyOf(socket);
    const begun = this.requests.get(key);
    if (begun?.socket !== socket) return;
    begun.count -= 1;
    if (begun.count > 0) return;
    this.requests.delete(key);
    if (!socket.destroyed) this.expect(socket, idleMs);
  }

  /** Its client may have the same port again before it is closed, for a new connection. */
  private watch(socket: Connection): void {
    if (this.watched.has(socket)) return;
    this.watched.add(socket);
    const key = keyOf(socket);
    socket.once('close', () => {
      if (this.timers.get(key)?.socket === socket) this.met(socket);
      if (this.requests.get(key)?.socket === socket) this.requests.delete(key);
    });
  }
}

/** TCP sockets are known by their port; a Unix socket has none, but it has no TLS either. */
function keyOf(socket: Connection): unknown {
  return socket.remotePort === undefined ? socket : `${socket.remoteAddress ?? ''}|${socket.remotePort}`;
}
