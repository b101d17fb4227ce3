import { z } from 'zod';
import { byteCount, type FaultKind } from './fault-kind.js';
import { holdAll } from './hold.js';

const settings = z.strictObject({
  /** The largest piece that passes, bytes. */
  largest: byteCount.default(1400),
});

export const sizeLimit: FaultKind<z.output<typeof settings>> = {
  does: 'A large piece never arrives, and nothing after it. Small ones before it do.',
  lesson:
    'Small answers work and large ones hang: a path lets only small packets through and does not say so.',
  heals: 'TCP sends what was lost again.',
  settings,
  stage({ largest }, _tools, pass) {
    const behind = holdAll(pass);
    let isStuck = false;
    return {
      take(item) {
        isStuck ||= typeof item !== 'string' && item.length > largest;
        if (isStuck) behind.take(item);
        else pass(item);
      },
      release: () => behind.release(),
    };
  },
};
