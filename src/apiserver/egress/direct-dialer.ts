import { type Clock, createRealClock } from '../../core/clock.js';
import { goDial } from '../../links/go-dial.js';
import type { OpenTcp } from '../../links/tcp-connect.js';
import type { Dialer } from '../../wire/client/dialer.js';

/** The time limit of the dialer in Go's default transport. */
const dialTimeoutMs = 30_000;

/** Plain TCP from this machine (`open` default `net.connect`), with Go's error texts: `dial tcp 10.0.0.1:10250: i/o timeout`. */
export function createDirectDialer(clock: Clock = createRealClock(), open?: OpenTcp): Dialer {
  return {
    dial: (host, port, { signal } = {}) =>
      goDial(host, port, { timeoutMs: dialTimeoutMs, clock, signal, open }),
  };
}
