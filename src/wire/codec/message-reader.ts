import { status } from '@grpc/grpc-js';
import type { Packet } from '../../core/packet.js';
import { decodePacket } from './codec.js';
import { headBytes, prefixBytes, readData } from './received-data.js';

/** A message that ends its stream: larger than what we take, or compressed. */
export class RefusedMessage extends Error {
  override readonly name = 'RefusedMessage';
  readonly code: status;

  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

/** gRPC's own bound of a message, bytes. */
export const maxMessageBytes = 4 * 1024 * 1024;

/** Finds the packets in the bytes of a gRPC stream. Their payload stays in the slices that the bytes came in. */
export class MessageReader {
  private readonly packet: (packet: Packet) => void;
  private parts: Buffer[] = [];
  private haveBytes = 0;
  /** Of the message that is under way, with its prefix; 0 until its prefix is there. */
  private frameBytes = 0;

  constructor(packet: (packet: Packet) => void) {
    this.packet = packet;
  }

  /** Throws RefusedMessage, or MalformedPacket of the codec; after that the stream is of no use. */
  feed(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.frameBytes === 0) {
        const rest = at === 0 ? chunk : chunk.subarray(at);
        if (!this.begin(rest)) return;
      }
      at += this.take(chunk, at);
    }
  }

  /** Reads the prefix; one that is cut is kept, with what follows it, until it is whole. */
  private begin(rest: Buffer): boolean {
    if (this.haveBytes + rest.length < prefixBytes) {
      this.keep(Buffer.from(rest));
      return false;
    }
    const prefix =
      this.haveBytes === 0 ? rest : Buffer.concat([...this.parts, rest.subarray(0, prefixBytes)]);
    if (prefix[0] !== 0)
      throw new RefusedMessage(status.INTERNAL, 'a compressed message, which nobody announced');
    const bytes = prefix.readUInt32BE(1);
    if (bytes > maxMessageBytes) {
      const text = `Received message larger than max (${bytes} vs ${maxMessageBytes})`;
      throw new RefusedMessage(status.RESOURCE_EXHAUSTED, text);
    }
    this.frameBytes = prefixBytes + bytes;
    return true;
  }

  /** Takes what belongs to the message that is under way; returns how much that was. */
  private take(chunk: Buffer, at: number): number {
    const bytes = Math.min(this.frameBytes - this.haveBytes, chunk.length - at);
    const part = at === 0 && bytes === chunk.length ? chunk : chunk.subarray(at, at + bytes);
    this.keep(part);
    if (this.haveBytes === this.frameBytes) this.finish();
    return bytes;
  }

  /** The head of a message is read in one piece, so a first slice too short for it is joined with the next. */
  private keep(part: Buffer): void {
    const [first] = this.parts;
    if (first !== undefined && this.parts.length === 1 && first.length < headBytes) {
      this.parts = [Buffer.concat([first, part])];
    } else this.parts.push(part);
    this.haveBytes += part.length;
  }

  private finish(): void {
    const { parts, frameBytes } = this;
    this.parts = [];
    this.haveBytes = 0;
    this.frameBytes = 0;
    const data = readData(parts, frameBytes);
    if (data !== undefined) return this.packet(data);
    const [only = Buffer.alloc(0)] = parts;
    const whole = parts.length === 1 ? only : Buffer.concat(parts);
    this.packet(decodePacket(whole.subarray(prefixBytes)));
  }
}
