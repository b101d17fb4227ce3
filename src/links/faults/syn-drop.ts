import { type FaultKind, noSettings } from './fault-kind.js';

export const synDrop: FaultKind<Record<never, never>> = {
  does: 'New connections get no answer.',
  lesson:
    'Without any answer only the dialler’s own timeout ends the attempt: 5 s at an agent, 20 s or more in gRPC.',
  heals: 'Attempts that wait go on, as TCP tries again.',
  settings: noSettings,
  connect: () => 'silence',
};
