import { z } from 'zod';
import type { PartFaultKind } from './part-fault-kind.js';

const settings = z.strictObject({
  /** What becomes of the open connections: they stay, or end as by a fault of links. */
  flows: z.enum(['keep', 'drop', 'reset', 'fin']).default('keep'),
});

export const removeTarget: PartFaultKind<z.output<typeof settings>> = {
  does: 'The balancer of agents takes the server out of its targets, in a lab with several servers.',
  lesson:
    'Taking a target out says nothing of its open connections: a balancer may keep them, cut them, or forget them without a word.',
  heals: 'The server is a target again; connections that were cut or forgotten stay so.',
  settings,
  roles: ['server'],
  how: 'told',
};
