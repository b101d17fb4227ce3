import { z } from 'zod';
import type { PartFaultKind } from './part-fault-kind.js';

const settings = z.strictObject({
  /** Whose answers, for a server. An agent pings servers only. */
  peers: z.enum(['agents', 'frontends']).default('agents'),
});

export const losePings: PartFaultKind<z.output<typeof settings>> = {
  does: 'The answers to its HTTP/2 pings are lost, and all else passes.',
  lesson:
    'A keepalive cannot tell a lost answer from a dead peer, so that it cuts a connection whose data still flows.',
  heals: 'Connections that were cut are made again, and stay.',
  settings,
  roles: ['agent', 'server'],
  how: 'asked',
};
