import { z } from 'zod';
import { byteCount, type FaultKind } from './fault-kind.js';

const settings = z.strictObject({
  /** The largest piece, bytes. Each is written by itself. */
  size: byteCount,
});

export const slice: FaultKind<z.output<typeof settings>> = {
  does: 'Small pieces in place of large ones.',
  lesson: 'TCP promises bytes and no pieces: code that takes one read for one message breaks here.',
  heals: 'Nothing was broken.',
  settings,
  stage: ({ size }, _tools, pass) => ({
    take(item) {
      if (typeof item === 'string') return pass(item);
      for (let at = 0; at < item.length; at += size) pass(item.subarray(at, at + size));
    },
    release: () => undefined,
  }),
};
