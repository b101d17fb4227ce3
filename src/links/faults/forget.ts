import { type FaultKind, noSettings } from './fault-kind.js';

export const forget: FaultKind<Record<never, never>> = {
  does: 'A device forgets its flows and tells neither end; new connections pass.',
  lesson:
    'After a restart of a device, or when an address moves to another machine, old connections are silent and new ones work.',
  heals: 'The connections stay dead until their ends notice.',
  settings: noSettings,
  strike: (flow) => flow.stop('drop'),
};
