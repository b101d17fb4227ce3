import { z } from 'zod';
import type { PartFaultKind } from './part-fault-kind.js';

/** What a kubelet may answer in place of the right answer. */
const statuses = [401, 403, 405, 500, 503] as const;

export interface WrongAnswer {
  readonly status: (typeof statuses)[number];
  readonly text?: string | undefined;
}

export const answer: PartFaultKind<WrongAnswer> = {
  does: 'It refuses requests with this status, in the words of a kubelet unless `text` says others.',
  lesson: 'The tunnel carried the request and the refusal: what the user sees is the kubelet’s answer.',
  heals: 'It answers as usual.',
  settings: z.strictObject({
    status: z.literal(statuses, `must be one of ${statuses.join(', ')}`),
    text: z.string().optional(),
  }),
  roles: ['kubelet'],
  how: 'asked',
};
