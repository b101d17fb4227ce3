import { createServer } from 'node:net';
import { carryLate, type LateLink } from '../support/late-link.js';
import { host, listen } from './sockets.js';
import { serve } from './worker.js';

export type DelaySetup = LateLink;

serve(async (setup: DelaySetup) => ({
  hello: await listen(
    createServer({ allowHalfOpen: true }, (socket) => carryLate(socket, setup)),
    host,
  ),
  handle: async () => undefined,
}));
