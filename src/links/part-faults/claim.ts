import { z } from 'zod';
import { headerText } from '../faults/fault-kind.js';
import type { PartFaultKind } from './part-fault-kind.js';

const settings = z
  .strictObject({
    /** The ID that it claims in place of its own. */
    agentId: headerText.min(1).optional(),
    /** What it claims to serve, as `--agent-identifiers` has it: `ipv4=10.0.1.11&host=node-1`. */
    identifiers: headerText.optional(),
  })
  .refine(
    ({ agentId, identifiers }) => (agentId ?? identifiers) !== undefined,
    'takes agentId or identifiers',
  );

export const claim: PartFaultKind<z.output<typeof settings>> = {
  does: 'The agent claims another ID, or other addresses, when it connects.',
  lesson:
    'Servers choose an agent by what it claims and check nothing: a cloned node takes the place of another, and an address that nobody claims has no agent.',
  heals: 'The agent claims its own when it connects again; open connections stay as they are.',
  settings,
  roles: ['agent'],
  how: 'asked',
};
