import { z } from 'zod';
import { headerText } from '../faults/fault-kind.js';
import type { PartFaultKind } from './part-fault-kind.js';

const settings = z
  .strictObject({
    /** The ID that it announces in place of its own. */
    serverId: headerText.min(1).optional(),
    /** How many servers it says there are. */
    serverCount: z.int().nonnegative().optional(),
  })
  .refine(
    ({ serverId, serverCount }) => (serverId ?? serverCount) !== undefined,
    'takes serverId or serverCount',
  );

export const announce: PartFaultKind<z.output<typeof settings>> = {
  does: 'The server tells agents that connect another server ID, or another number of servers.',
  lesson:
    'Agents believe it: they leave a server whose ID they have already, and with a wrong count they stop too early or search for ever.',
  heals: 'Agents that connect hear the truth; those that are connected keep what they heard.',
  settings,
  roles: ['server'],
  how: 'asked',
};
