import type { Packet } from '../core/packet.js';
import { encodePacket, type OutgoingMessage } from './codec.js';

/** What is written to a call at once: a packet, or several that leave as messages of their own in one write. */
export type Outgoing = Packet | readonly Packet[];

/** Bytes before each gRPC message: the compression flag, which is 0, and the length in big-endian order. */
const prefixBytes = 5;

/** Serialises what is written to a call, for grpc-js. */
export function encodeOutgoing(outgoing: Outgoing): OutgoingMessage | Buffer {
  if (!isBatch(outgoing)) return encodePacket(outgoing);
  const messages = outgoing.map(encodePacket);
  const [only] = messages;
  return only !== undefined && messages.length === 1 ? only : new OutgoingBatch(messages);
}

const isBatch = (outgoing: Outgoing): outgoing is readonly Packet[] => Array.isArray(outgoing);

/**
 * Several messages that grpc-js takes for one. It allocates a frame for all, writes one prefix and calls `copy` behind
 * it: the prefix is corrected to the first message, and the others bring their own. The cost of a write in grpc-js is
 * nearly the same whatever its size, so small packets gain most.
 */
class OutgoingBatch implements OutgoingMessage {
  readonly length: number;
  private readonly messages: readonly OutgoingMessage[];

  constructor(messages: readonly OutgoingMessage[]) {
    this.messages = messages;
    const bytes = messages.reduce((sum, { length }) => sum + length, 0);
    this.length = bytes + (messages.length - 1) * prefixBytes;
  }

  get byteLength(): number {
    return this.length;
  }

  copy(target: Uint8Array, offset: number): number {
    const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
    let at = offset - prefixBytes;
    for (const message of this.messages) {
      view.setUint8(at, 0);
      view.setUint32(at + 1, message.length);
      message.copy(target, at + prefixBytes);
      at += prefixBytes + message.length;
    }
    return this.length;
  }
}
