import { z } from 'zod';
import type { PartFaultKind } from './part-fault-kind.js';

const settings = z.strictObject({
  /** `missing`: there is no file. `stale`: there is one, and nobody listens. */
  is: z.enum(['missing', 'stale']).default('missing'),
});

export const frontendSocket: PartFaultKind<z.output<typeof settings>> = {
  does: 'The Unix socket of the server for API servers is gone, or is that of a process that died.',
  lesson:
    'The server runs and has all its agents, and the API server beside it cannot reach it. Open connections go on.',
  heals: 'The socket is back in its place.',
  settings,
  roles: ['server'],
  how: 'told',
};
