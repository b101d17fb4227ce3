import { z } from 'zod';
import type { PartFaultKind } from './part-fault-kind.js';

/** What is wrong with a certificate. */
export type WrongCertificate = 'expired' | 'notYetValid' | 'otherCa' | 'otherName';

export const certificate: PartFaultKind<{ readonly is: WrongCertificate }> = {
  does: 'It shows a wrong certificate in its next handshakes.',
  lesson:
    'Certificates are checked in handshakes only: open connections go on, and the failure comes at the next reconnect.',
  heals: 'The next handshake has the right one.',
  settings: z.strictObject({ is: z.enum(['expired', 'notYetValid', 'otherCa', 'otherName']) }),
  roles: ['agent', 'server', 'kubelet'],
  how: 'asked',
};
