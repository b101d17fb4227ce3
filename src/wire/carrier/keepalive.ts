import type { Http2Session } from 'node:http2';
import type { Clock, Timer } from '../../core/clock.js';
import type { PingEvent } from '../../core/events.js';
import { afterTurns } from './after-turns.js';

/** A ping, or what came of it. */
export type PingStep = Pick<PingEvent, 'kind' | 'durationMs'>;

export interface KeepaliveOptions {
  readonly clock: Clock;
  /** Time between two pings, ms. */
  readonly timeMs: number;
  /** How long the peer may take to answer, ms. Default 20 s. */
  readonly timeoutMs?: number | undefined;
  /** Called at each ping. Default: no call. */
  readonly pinged?: ((ping: PingStep) => void) | undefined;
  /** The peer has not answered. */
  readonly silent: () => void;
  /** Whether this answer counts as lost. Default: none does. */
  readonly isLost?: (() => boolean) | undefined;
}

/** Turns of the event loop in which an answer can still be read that came while the process was busy. */
const turnsOfAnswer = 8;

/** Pings the peer of a session until the session ends. */
export function keepAlive(
  session: Http2Session,
  {
    clock,
    timeMs,
    timeoutMs = 20_000,
    silent,
    isLost = () => false,
    pinged = () => undefined,
  }: KeepaliveOptions,
): void {
  let timer: Timer;
  const wait = (): void => {
    timer = clock.after(timeMs, ping, true);
  };
  const ping = (): void => {
    // The end of the session waits for a write that its peer does not take.
    if (session.destroyed) return silent();
    let answered = false;
    const sentAt = clock.now();
    const giveUp = (): void => {
      if (answered) return;
      pinged({ kind: 'ping.unanswered' });
      silent();
    };
    const late = (): void => afterTurns(turnsOfAnswer, giveUp);
    pinged({ kind: 'ping.sent' });
    timer = clock.after(timeoutMs, late, true);
    ask(session, (error) => {
      answered = error === null && !isLost();
      if (!answered) return;
      timer.cancel();
      pinged({ kind: 'ping.answered', durationMs: clock.now() - sentAt });
      wait();
    });
  };
  wait();
  session.once('close', () => timer.cancel());
}

/** node:http2 sends no ping on a session that takes no new calls. Settings are answered, too, and open calls continue. */
function ask(session: Http2Session, answered: (error: Error | null) => void): void {
  if (session.closed) session.settings({}, answered);
  else session.ping(answered);
}
