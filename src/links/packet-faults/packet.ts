import { z } from 'zod';
import { connectId, dataPacket, type Packet } from '../../core/packet.js';
import { duration } from '../faults/fault-kind.js';
import type { PacketTurn } from '../packet-flow.js';
import type { PacketFaultKind } from './packet-fault-kind.js';

/** The types of packets, by their names in the journal. */
const packetName = z.enum([
  'DIAL_REQ',
  'DIAL_RSP',
  'CLOSE_REQ',
  'CLOSE_RSP',
  'DATA',
  'DIAL_CLS',
  'DRAIN',
  'WINDOW_UPDATE',
  'HELD',
]);

const settings = z
  .strictObject({
    /** Default: any. */
    type: packetName.optional(),
    is: z.enum(['lost', 'delayed', 'heldPast', 'duplicated', 'renumbered']),
    /** How much later a delayed packet arrives. Others overtake it. */
    delay: duration.optional(),
    /** The type of the packet of the same connection or dial, of either direction, behind which it arrives. */
    past: packetName.optional(),
    /** The connect ID that it gets. */
    connectId: z.int().nonnegative().optional(),
  })
  .refine(
    ({ is, delay }) => (is === 'delayed') === (delay !== undefined),
    'delayed takes a delay, and nothing else does',
  )
  .refine(
    ({ is, past }) => (is === 'heldPast') === (past !== undefined),
    'heldPast takes past, and nothing else does',
  )
  .refine(
    ({ is, connectId: id }) => (is === 'renumbered') === (id !== undefined),
    'renumbered takes a connectId, and nothing else does',
  );
type Settings = z.output<typeof settings>;

export const packet: PacketFaultKind<Settings> = {
  does: 'A packet is lost, late, out of order, there twice, or for another connection.',
  lesson:
    'No end sees that a packet is missing or wrong: each goes on with its own belief, and only a timer or a question finds the difference.',
  heals: 'What is kept back passes. What was lost stays lost.',
  settings,
  turn(chosen, one) {
    if (chosen.type !== undefined && chosen.type !== one.kind) return undefined;
    return turnOf(chosen, one);
  },
};

function turnOf(
  { is, delay = 0, past = 'DATA', connectId: id = 0 }: Settings,
  one: Packet,
): PacketTurn | undefined {
  if (is === 'delayed') return { is, delayMs: delay };
  if (is === 'heldPast') return { is, past };
  if (is !== 'renumbered') return { is };
  return 'connectId' in one ? { is: 'changed', packet: renumbered(one, id) } : undefined;
}

/** The bytes that it came in have its old ID. */
function renumbered(one: Extract<Packet, { connectId: unknown }>, id: number): Packet {
  const own = connectId(BigInt(id));
  if (one.kind === 'DATA') return dataPacket(own, one.data);
  const { raw: _bytes, ...plain } = one;
  return { ...plain, connectId: own };
}
