import { z } from 'zod';
import { parseDuration } from '../../core/duration.js';
import type { PartFaultKind } from './part-fault-kind.js';

/** Dates of more than four digits are no dates of certificates, and far ones no dates at all. */
const maxMs = 1000 * 365 * 24 * 3_600_000;

const noOffset = 'is no offset, such as -1h or 9000h';

/** A duration that may be negative. */
const offset = z
  .union([z.number(), z.string().refine((text) => parseDuration(text) !== undefined, noOffset)], noOffset)
  .transform((value) => (typeof value === 'number' ? value : (parseDuration(value) ?? 0)))
  .refine((ms) => Math.abs(ms) <= maxMs, 'is more than 1000 years');

export const clock: PartFaultKind<{ readonly offset: number }> = {
  does: 'Its clock is wrong: by that time it judges the certificates of its peers, and an API server also tokens.',
  lesson: 'A good certificate is “not yet valid” on the one machine whose clock is slow.',
  heals: 'Its clock is right, for the next handshake.',
  settings: z.strictObject({ offset }),
  roles: ['agent', 'server', 'kubelet', 'apiserver'],
  how: 'asked',
};
