import { type FaultKind, noSettings } from './fault-kind.js';
import { holdAll } from './hold.js';

export const freeze: FaultKind<Record<never, never>> = {
  does: 'Nothing passes, but connections are accepted.',
  lesson:
    'The kernel of a stopped process still accepts connections and bytes, so that its peers take it for alive.',
  heals: 'Everything that waited arrives, in order.',
  settings: noSettings,
  stage: (_settings, _tools, pass) => holdAll(pass),
};
