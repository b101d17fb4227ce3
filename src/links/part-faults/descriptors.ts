import { z } from 'zod';
import type { PartFaultKind } from './part-fault-kind.js';

const settings = z.strictObject({
  /** How many dials and connections to endpoints the agent may have at once. */
  limit: z.int().nonnegative(),
});

export const descriptors: PartFaultKind<z.output<typeof settings>> = {
  does: 'The agent’s dials fail with "too many open files" while it has so many connections to endpoints.',
  lesson:
    'Under load some requests fail and others work: each connection through the tunnel costs its agent a descriptor.',
  heals: 'Dials succeed again; open connections never noticed.',
  settings,
  roles: ['agent'],
  how: 'asked',
};
