import { dispatch, type Packet, type PacketHandlers } from '../../src/core/packet.js';
import { createRandom } from '../../src/core/random.js';
import { decodePacket, encodeToBuffer } from '../../src/wire/codec/codec.js';
import { PacketSource } from './packet-source.js';
import type { FuzzRun } from './run-side.js';

/** All that a packet says, but not the bytes it came in. */
const meaning = (packet: Packet): string =>
  Object.entries(packet)
    .map(([key, value]) => (key === 'raw' ? '' : value instanceof Uint8Array ? latin1(value) : `${value}`))
    .join('|');

const latin1 = ({ buffer, byteOffset, byteLength }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('latin1');

/** Every kind has a handler, so a packet of none cannot pass. */
const known: PacketHandlers<undefined, true> = {
  DIAL_REQ: () => true,
  DIAL_RSP: () => true,
  CLOSE_REQ: () => true,
  CLOSE_RSP: () => true,
  DATA: () => true,
  DIAL_CLS: () => true,
  DRAIN: () => true,
  WINDOW_UPDATE: () => true,
  HELD: () => true,
  UNKNOWN: () => true,
};

/** Bytes → packet → bytes: MalformedPacket is the only refusal, and what is read means the same when written anew. */
export function fuzzCodec({ seed, packets, progress }: FuzzRun): number {
  const source = new PacketSource(createRandom(seed));
  for (let count = 0; count < packets; count += 1) {
    progress(count);
    const bytes = source.bytes();
    const packet = source.decoded(bytes);
    if (packet !== undefined) check(packet, bytes);
    if (count % 4 === 0) checkCut(source);
  }
  return source.malformed;
}

function check(packet: Packet, bytes: Buffer): void {
  dispatch(known, undefined, packet);
  if (!encodeToBuffer(packet).equals(bytes))
    throw new Error('R3: a received packet is not passed on as it came');
  const { raw: _raw, ...unsent } = packet;
  const again = meaning(decodePacket(encodeToBuffer(unsent)));
  if (again !== meaning(packet)) throw new Error(`${meaning(packet)} became ${again}`);
}

/** A message that ends within its payload is malformed, wherever that is. */
function checkCut(source: PacketSource): void {
  const packet = source.packet();
  if (packet.kind === 'UNKNOWN') return;
  const bytes = encodeToBuffer(packet);
  // What comes before the payload is a message of its own: the type, which DIAL_REQ does not have.
  const before = packet.kind === 'DIAL_REQ' ? 0 : 2;
  const cut = before + 1 + source.random.below(bytes.length - before - 1);
  const read = source.decoded(bytes.subarray(0, cut));
  if (read !== undefined) throw new Error(`${meaning(packet)}, cut at ${cut}, is read as ${meaning(read)}`);
  source.malformed -= 1;
}
