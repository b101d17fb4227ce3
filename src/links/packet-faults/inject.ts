import { z } from 'zod';
import { connectId, dataPacket, type Packet } from '../../core/packet.js';
import type { PacketFaultKind } from './packet-fault-kind.js';

/** One byte more than a gRPC message may have. */
const oversizedBytes = 4 * 1024 * 1024 + 1;
/** No agent comes to count so far. */
const unknownId = connectId(2n ** 52n);
/** Konnectivity's types end at 6. */
const unknownType = 99;

const packets = {
  unknownType: (): Packet => ({ kind: 'UNKNOWN', type: unknownType }),
  oversized: (): Packet => dataPacket(unknownId, new Uint8Array(oversizedBytes)),
  dataForUnknown: (): Packet => dataPacket(unknownId, new Uint8Array(1)),
} as const;

const settings = z.strictObject({
  packet: z.enum(['unknownType', 'oversized', 'dataForUnknown']),
});

export const inject: PacketFaultKind<z.output<typeof settings>> = {
  does: 'A packet arrives that nobody has sent.',
  lesson:
    'What an end does not know it must ignore or answer, and a message that is too large ends its whole stream.',
  heals: 'No more of them come.',
  settings,
  strike({ packet: name }) {
    const packet = packets[name]();
    return {
      text: `a packet is put in: ${name}`,
      packet,
      act(flow, sides) {
        for (const side of sides) flow.inject(side, packet);
      },
    };
  },
};
