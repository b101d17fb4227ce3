import { type Clock, createRealClock } from '../../core/clock.js';
import { goDial } from '../../links/go-dial.js';
import type { Dialer } from '../../wire/client/dialer.js';

/** The dialer of Go's default transport gives up after so long. */
const dialTimeoutMs = 30_000;

/** Plain TCP from where we are, with Go's texts for what goes wrong: `dial tcp 10.0.0.1:10250: i/o timeout`. */
export function createDirectDialer(clock: Clock = createRealClock()): Dialer {
  return {
    dial: (host, port, { signal } = {}) => goDial(host, port, { timeoutMs: dialTimeoutMs, clock, signal }),
  };
}
