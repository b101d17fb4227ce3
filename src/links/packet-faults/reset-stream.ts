import { z } from 'zod';
import { http2Code } from '../http2-codes.js';
import type { PacketFaultKind } from './packet-fault-kind.js';

const settings = z.strictObject({
  /** HTTP/2's code. `NO_ERROR` closes the stream without an error. */
  code: http2Code.prefault('PROTOCOL_ERROR'),
});

export const resetStream: PacketFaultKind<z.output<typeof settings>> = {
  does: 'One stream is reset (RST_STREAM), and its HTTP/2 connection lives.',
  lesson:
    'A proxy that understands HTTP/2 has a timer for each stream, and a ping of the connection does not reset it: only data does.',
  heals: 'The streams are gone; new ones pass.',
  settings,
  strike: ({ code }) => ({ text: 'the stream is reset', act: (flow) => flow.reset(code) }),
};
