import {
  closeRequest,
  closeResponse,
  connectId,
  dataPacket,
  dialClose,
  dialFailure,
  dialId,
  dialRequest,
  dialSuccess,
  drainPacket,
  heldPacket,
  type Packet,
  windowUpdate,
} from '../../src/core/packet.js';
import type { Random } from '../../src/core/random.js';
import { decodePacket, encodeToBuffer } from '../../src/wire/codec/codec.js';
import { MalformedPacket } from '../../src/wire/codec/varint.js';
import { mutate, randomBytes } from './mutate.js';

const addresses = ['a:1', 'a:1', 'b:2', '[::1]:3', '', 'x', ':', 'a:99999', 'a b:1', '\u{1f525}:1', '\0'];
const texts = ['', '', '', 'refused', 'i/o timeout', '\ufffd', 'No agent available'];
const extremes = [-1n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, 2n ** 31n, 2n ** 32n];
const filler = Buffer.alloc(200_000, 'f');

export function pick<T>(random: Random, list: readonly [T, ...T[]] | readonly T[]): T {
  const found = list[random.below(list.length)];
  if (found === undefined) throw new Error('nothing to pick from');
  return found;
}

/** True in one of `in` cases. */
export const oneIn = (random: Random, cases: number): boolean => random.below(cases) === 0;

/** Makes packets of every kind. Most IDs come from a small range, so that streams meet each other's. */
export class PacketSource {
  /** Bytes that no party can read, so far. */
  malformed = 0;
  readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** What a peer may send: half as a party makes it, half as bytes that were mutated. Undefined is malformed. */
  next(): Packet | undefined {
    return oneIn(this.random, 2) ? this.packet() : this.decoded(this.bytes());
  }

  decoded(bytes: Buffer): Packet | undefined {
    try {
      return decodePacket(bytes);
    } catch (error) {
      if (!(error instanceof MalformedPacket)) throw error;
      this.malformed += 1;
      return undefined;
    }
  }

  bytes(): Buffer {
    const { random } = this;
    if (oneIn(random, 6)) return randomBytes(random, random.below(40));
    let bytes = encodeToBuffer(this.packet());
    for (let times = random.below(4); times > 0; times -= 1) bytes = mutate(random, bytes);
    if (oneIn(random, 50)) bytes = Buffer.concat([bytes, encodeToBuffer(this.packet())]);
    return bytes;
  }

  packet(): Packet {
    const { random } = this;
    switch (random.below(11)) {
      case 0:
        return {
          ...dialRequest(pick(random, addresses), this.dialId(), this.window()),
          protocol: this.protocol(),
        };
      case 1:
        return dialSuccess(this.dialId(), this.connectId(), this.window());
      case 2:
        return dialFailure(this.dialId(), pick(random, texts));
      case 3:
        return closeRequest(this.connectId());
      case 4:
        return closeResponse(this.connectId(), pick(random, texts));
      case 5:
        return dialClose(this.dialId());
      case 6:
        return oneIn(random, 4) ? drainPacket : { kind: 'UNKNOWN', type: random.below(2 ** 31) - 2 ** 30 };
      case 7:
        return windowUpdate(this.connectId(), this.window());
      case 8:
        return heldPacket(Array.from({ length: random.below(6) }, () => this.connectId()));
      default:
        return dataPacket(this.connectId(), this.payload());
    }
  }

  dialId(): ReturnType<typeof dialId> {
    return dialId(this.id());
  }

  connectId(): ReturnType<typeof connectId> {
    return connectId(this.id());
  }

  payload(): Uint8Array {
    const { random } = this;
    const most = oneIn(random, 500) ? filler.length : oneIn(random, 20) ? 5000 : 40;
    return filler.subarray(0, random.below(most));
  }

  private id(): bigint {
    const { random } = this;
    if (oneIn(random, 20)) return pick(random, extremes);
    return oneIn(random, 20) ? random.int63() : BigInt(random.below(8));
  }

  /** Bytes; small ones are soon used up. */
  private window(): number {
    return pick(this.random, [0, 0, 1, 30, 1000, 2 ** 20, 2 ** 32 - 1]);
  }

  private protocol(): string {
    return oneIn(this.random, 8) ? pick(this.random, ['udp', 'unix', '', 'TCP']) : 'tcp';
  }
}
