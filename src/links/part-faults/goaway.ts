import { z } from 'zod';
import { http2Code } from '../http2-codes.js';
import type { PartFaultKind } from './part-fault-kind.js';

const settings = z.strictObject({
  code: http2Code.prefault('NO_ERROR'),
  /** The debug text that the frame carries. */
  text: z.string().max(1000).default(''),
  /** Whose connections. */
  peers: z.enum(['agents', 'frontends']).default('agents'),
});

export const goaway: PartFaultKind<z.output<typeof settings>> = {
  does: 'The server announces the end of each HTTP/2 connection (GOAWAY).',
  lesson:
    'With NO_ERROR open streams may finish, and only new ones need another connection; with any other code Node ends them at once.',
  heals: 'New connections stay.',
  settings,
  roles: ['server'],
  how: 'told',
};
