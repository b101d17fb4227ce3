import { z } from 'zod';
import type { Timer } from '../../core/clock.js';
import { duration, type FaultKind } from './fault-kind.js';
import { holdAll } from './hold.js';

const settings = z.strictObject({
  /** How long an end sends its bytes again before it takes the connection for broken. Default: until the fault is over. */
  giveUpAfter: duration.optional(),
});

export const drop: FaultKind<z.output<typeof settings>> = {
  does: 'Packets vanish: bytes, ends, resets and new connections. Or a device forgets a flow for good.',
  lesson:
    'Silence is not an end: both sides believe the connection open until a timer of their own runs out.',
  heals:
    'TCP sends what was lost again. A flow that its own timer or counter hit stays dead: the device does not know it any more.',
  settings,
  stage({ giveUpAfter }, { clock, giveUp = () => undefined }, pass) {
    const all = holdAll(pass);
    if (giveUpAfter === undefined) return all;
    let timer: Timer | undefined;
    return {
      take(item) {
        timer ??= clock.after(giveUpAfter, giveUp, true);
        all.take(item);
      },
      release() {
        timer?.cancel();
        all.release();
      },
    };
  },
  strike: (flow) => flow.stop('drop'),
  connect: () => 'silence',
};
