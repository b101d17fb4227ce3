import { z } from 'zod';
import { duration } from '../faults/fault-kind.js';
import type { PartFaultKind } from './part-fault-kind.js';

export const slow: PartFaultKind<{ readonly at: 'tls' | 'answer'; readonly delay: number }> = {
  does: 'It takes so long until it begins the TLS handshake of a connection, or until it looks at a request.',
  lesson:
    'The kernel accepts at once, so a busy kubelet looks healthy to the tunnel: the dial is fast, and what follows is late.',
  heals: 'New connections and requests are taken at once; those that wait are taken after their delay.',
  settings: z.strictObject({ at: z.enum(['tls', 'answer']), delay: duration }),
  roles: ['kubelet'],
  how: 'asked',
};
