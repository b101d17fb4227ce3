import { type FaultKind, noSettings } from './fault-kind.js';

export const reset: FaultKind<Record<never, never>> = {
  does: 'Both ends are told at once that the connection is gone.',
  lesson: 'A reset is told to both ends, so both know at once, and what was under way is lost.',
  heals: 'The connections are gone; new ones pass.',
  settings: noSettings,
  strike: (flow) => flow.stop('reset'),
};
