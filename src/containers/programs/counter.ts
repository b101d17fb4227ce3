import { rfc3339 } from '../../kube/time.js';
import type { Program } from './program.js';

const intervalMs = 1000;

/** One log line a second, `N: TIME tick`, odd ones to stdout and even ones to stderr. */
export const counter: Program = {
  start({ clock, now, log, signal }) {
    let count = 0;
    const tick = (): void => {
      count++;
      log(count % 2 === 1 ? 'stdout' : 'stderr', `${count}: ${rfc3339(now())} tick\n`);
      timer = clock.after(intervalMs, tick, true);
    };
    let timer = clock.after(intervalMs, tick, true);
    signal.addEventListener('abort', () => timer.cancel(), { once: true });
  },
};
