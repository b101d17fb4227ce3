import { inject } from './inject.js';
import { packet } from './packet.js';
import { resetStream } from './reset-stream.js';

/** Every fault of the packets of a link, by the name that stands in `do`. */
export const packetFaults = {
  packet,
  inject,
  resetStream,
} as const;

export type PacketFaultName = keyof typeof packetFaults;
