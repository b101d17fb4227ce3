import { z } from 'zod';
import type { PartFaultKind } from './part-fault-kind.js';

const settings = z.strictObject({
  /** The most open streams of one connection. */
  count: z.int().positive(),
});

export const maxStreams: PartFaultKind<z.output<typeof settings>> = {
  does: 'The server takes only so many streams on one connection of a frontend.',
  lesson:
    'HTTP/2 refuses no stream above the limit: it waits at the client, without a word, until another one ends.',
  heals: 'Streams that waited are opened.',
  settings,
  roles: ['server'],
  how: 'told',
};
