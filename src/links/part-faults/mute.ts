import { noSettings } from '../faults/fault-kind.js';
import type { PartFaultKind } from './part-fault-kind.js';

export const mute: PartFaultKind<Record<never, never>> = {
  does: 'The server accepts agents, TLS and HTTP/2, and never answers their calls.',
  lesson:
    'TCP, TLS and pings all work, and yet nothing does: only a limit of its own for the answer gets an agent away from such a server.',
  heals: 'Calls that still wait are answered.',
  settings: noSettings,
  roles: ['server'],
  how: 'told',
};
