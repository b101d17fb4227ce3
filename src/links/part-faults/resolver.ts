import { z } from 'zod';
import type { PartFaultKind } from './part-fault-kind.js';

const settings = z.strictObject({
  /** What the resolver says, or does. */
  answer: z.enum(['NXDOMAIN', 'SERVFAIL', 'timeout', 'deadFirst', 'ipv6First', 'stale']),
  /** The names that it concerns, as a pattern. */
  name: z.string().default('*'),
});

export const resolver: PartFaultKind<z.output<typeof settings>> = {
  does: 'The agent’s resolver does not know a name, fails, keeps silent, or gives addresses of which the first or all are of no use.',
  lesson:
    'A name is asked for with each new connection: what is connected goes on, and only the next connect finds out.',
  heals: 'The next look-up is right.',
  settings,
  roles: ['agent'],
  how: 'asked',
};
