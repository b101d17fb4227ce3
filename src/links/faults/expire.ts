import { type FaultKind, noSettings } from './fault-kind.js';

export const expire: FaultKind<Record<never, never>> = {
  does: 'A device forgets a flow, and answers the next bytes of an end with a reset.',
  lesson:
    'The end that sends first after the pause is told; the other one still waits, and may wait for long.',
  heals: 'The connections are gone; new ones pass.',
  settings: noSettings,
  strike: (flow) => flow.stop('drop', { answers: true }),
};
