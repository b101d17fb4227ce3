import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Clock, Timer } from '../../core/clock.js';

export interface SessionBoundsOptions {
  readonly clock: Clock;
  /** How long a client may take to start HTTP/2 with its preface and settings, ms. */
  readonly prefaceMs: number;
  /** How long it may then take to open its first stream, ms. Default `idleMs`. */
  readonly firstStreamMs?: number;
  /** How long a connection may have no stream, ms. Default: no limit. */
  readonly idleMs?: number;
  /** Ends the connection. Default: `session.destroy`, which waits until the peer has read all, and hangs up. */
  readonly cut?: () => void;
}

/** How long a client has to read that it must leave, ms. */
const farewellMs = 1000;

/** Ends a session that does not start HTTP/2 or has no stream for too long. An incomplete request is no stream. */
export function boundSession(
  session: ServerHttp2Session,
  { clock, prefaceMs, idleMs, firstStreamMs = idleMs, cut = () => session.destroy() }: SessionBoundsOptions,
): void {
  let timer: Timer = clock.after(prefaceMs, cut, true);
  let streams = 0;
  const leave = (): void => {
    session.close();
    // An incomplete request keeps a closed session open.
    timer = clock.after(farewellMs, cut, true);
  };
  const expectStream = (withinMs: number | undefined): void => {
    if (withinMs === undefined || session.destroyed) return;
    timer = clock.after(withinMs, leave, true);
  };
  session.once('remoteSettings', () => {
    timer.cancel();
    if (streams === 0) expectStream(firstStreamMs);
  });
  session.on('stream', (stream: ServerHttp2Stream) => {
    timer.cancel();
    streams += 1;
    stream.once('close', () => {
      streams -= 1;
      if (streams === 0) expectStream(idleMs);
    });
  });
  session.once('close', () => timer.cancel());
}
