import { z } from 'zod';
import { type FaultKind } from './fault-kind.js';

const settings = z.strictObject({
  /** Which bits of the byte are flipped, 1 to 255. */
  mask: z.int().min(1).max(255).default(1),
});

export const corrupt: FaultKind<z.output<typeof settings>> = {
  does: 'One byte of each direction changes.',
  lesson:
    'TLS notices one flipped bit and ends the connection; without TLS the frames after it mean something else.',
  heals: 'Later bytes are right again; the connection has most likely ended.',
  settings,
  stage({ mask }, _tools, pass) {
    let done = false;
    return {
      take(item) {
        if (done || typeof item === 'string') return pass(item);
        done = true;
        const changed = Uint8Array.from(item);
        changed[0] = (changed[0] ?? 0) ^ mask;
        pass(changed);
      },
      release: () => undefined,
    };
  },
};
