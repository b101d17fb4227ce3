import { z } from 'zod';
import { type FaultKind, side } from './fault-kind.js';

const settings = z.strictObject({
  /** The side that is told. The other one believes the connection open. */
  told: side.default('client'),
});

export const halfOpen: FaultKind<z.output<typeof settings>> = {
  does: 'One side is reset, the other hears nothing.',
  lesson: 'The two legs of a balancer may disagree: one end has closed, and the other waits for it for ever.',
  heals: 'The half that is left stays until its own end notices.',
  settings,
  strike: (flow, { told }) => flow.stop('drop', { told }),
};
