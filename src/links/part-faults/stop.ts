import { z } from 'zod';
import { duration } from '../faults/fault-kind.js';
import type { PartFaultKind } from './part-fault-kind.js';

const settings = z.strictObject({
  /** How long it waits for what is open. */
  grace: duration.default(30_000),
});

export const stop: PartFaultKind<z.output<typeof settings>> = {
  does: 'The part ends in order, as at SIGTERM: it takes nothing new, and waits for what is open.',
  lesson: 'Work that is longer than the grace period is cut all the same, only later.',
  heals: 'The part starts again at its old addresses.',
  settings,
  roles: ['agent', 'server', 'kubelet', 'apiserver'],
  how: 'told',
};
