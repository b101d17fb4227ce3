import { z } from 'zod';
import type { PartFaultKind } from './part-fault-kind.js';

/** What is wrong with a token. */
export type WrongToken = 'expired' | 'notYetValid' | 'otherAudience';

export const token: PartFaultKind<{ readonly is: WrongToken }> = {
  does: 'It shows a wrong token at its next connections, in a lab with the option `agentTokens`.',
  lesson:
    'A server asks for the token once for each connection: one that expires is found at the next reconnect.',
  heals: 'The next connection has the right one.',
  settings: z.strictObject({ is: z.enum(['expired', 'notYetValid', 'otherAudience']) }),
  roles: ['agent'],
  how: 'asked',
};
