import { type FaultKind, noSettings } from './fault-kind.js';
import { holdAll } from './hold.js';

export const drop: FaultKind<Record<never, never>> = {
  does: 'Packets vanish: bytes, ends, resets and new connections. Or a device forgets a flow for good.',
  lesson:
    'Silence is not an end: both sides believe the connection open until a timer of their own runs out.',
  heals:
    'TCP sends what was lost again. A flow that its own timer or counter hit stays dead: the device does not know it any more.',
  settings: noSettings,
  stage: (_settings, _tools, pass) => holdAll(pass),
  strike: (flow) => flow.stop('drop'),
  connect: () => 'silence',
};
