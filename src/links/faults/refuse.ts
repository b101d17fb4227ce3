import { type FaultKind, noSettings } from './fault-kind.js';

export const refuse: FaultKind<Record<never, never>> = {
  does: 'New connections are refused.',
  lesson:
    'A refusal is fast: the address is reachable, but nothing listens there. Open connections continue.',
  heals: 'New connections pass again.',
  settings: noSettings,
  connect: () => 'refuse',
};
