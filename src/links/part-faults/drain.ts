import { noSettings } from '../faults/fault-kind.js';
import type { PartFaultKind } from './part-fault-kind.js';

export const drain: PartFaultKind<Record<never, never>> = {
  does: 'The agent asks its servers to choose others. Open connections go on.',
  lesson: 'Draining is a wish: when all agents drain, a server chooses one of them all the same.',
  heals: 'The agent starts again.',
  settings: noSettings,
  roles: ['agent'],
  how: 'told',
};
