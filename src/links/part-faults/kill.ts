import { noSettings } from '../faults/fault-kind.js';
import type { PartFaultKind } from './part-fault-kind.js';

export const kill: PartFaultKind<Record<never, never>> = {
  does: 'The part ends without a warning, as at SIGKILL.',
  lesson: 'The kernel closes the sockets of a killed process, so that its peers know at once.',
  heals: 'The part starts again at its old addresses.',
  settings: noSettings,
  roles: ['agent', 'server', 'kubelet', 'apiserver'],
  how: 'told',
};
