import { z } from 'zod';
import type { PartFaultKind } from './part-fault-kind.js';

export interface TlsTalk {
  readonly alpn?: 'none' | 'http/1.1' | undefined;
  readonly version?: 'TLSv1.2' | 'TLSv1.3' | undefined;
}

export const tls: PartFaultKind<TlsTalk> = {
  does: 'In its next handshakes it names no protocol by ALPN, or another one than `h2`, or speaks only this version.',
  lesson: 'Two ends with the right certificates may still have no protocol or version in common.',
  heals: 'The next handshake is as usual.',
  settings: z
    .strictObject({
      alpn: z.enum(['none', 'http/1.1']).optional(),
      version: z.enum(['TLSv1.2', 'TLSv1.3']).optional(),
    })
    .refine(({ alpn, version }) => (alpn ?? version) !== undefined, 'needs alpn or version'),
  roles: ['agent', 'server'],
  how: 'asked',
};
