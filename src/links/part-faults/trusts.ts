import { z } from 'zod';
import type { PartFaultKind } from './part-fault-kind.js';

export const trusts: PartFaultKind<{ readonly ca: 'other' | 'malformed' }> = {
  does: 'In its next handshakes it trusts another CA than that of its peers, or its CA file is cut off.',
  lesson: 'A CA that was rotated at one end only breaks each connection when it is made anew, not before.',
  heals: 'The next handshake trusts the right CA.',
  settings: z.strictObject({ ca: z.enum(['other', 'malformed']) }),
  roles: ['agent', 'server', 'kubelet', 'apiserver'],
  how: 'asked',
};
