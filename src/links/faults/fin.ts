import { type FaultKind, noSettings } from './fault-kind.js';

export const fin: FaultKind<Record<never, never>> = {
  does: 'Both ends see an orderly end.',
  lesson:
    'A middlebox can end a connection in order: to both programs it looks as if the other had closed it.',
  heals: 'The connections are gone; new ones pass.',
  settings: noSettings,
  strike: (flow) => flow.stop('fin'),
};
