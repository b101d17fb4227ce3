import { status } from '@grpc/grpc-js';
import type { Packet } from '../../core/packet.js';
import { decodePacket } from './codec.js';
import { headBytes, prefixBytes, readData } from './received-data.js';

/** A message that ends its stream: it is too large, or compressed. */
export class RefusedMessage extends Error {
  override readonly name = 'RefusedMessage';
  readonly code: status;

  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

/** gRPC's limit for one message, bytes. */
export const maxMessageBytes = 4 * 1024 * 1024;

/** Finds the packets in the bytes of a gRPC stream. Payloads stay in the buffers that they came in. */
export class MessageReader {
  private readonly packet: (packet: Packet) => void;
  private parts: Buffer[] = [];
  private haveBytes = 0;
  /** Size of the current message with its prefix; 0 until its prefix is read. */
  private frameBytes = 0;

  constructor(packet: (packet: Packet) => void) {
    this.packet = packet;
  }

  /** Throws RefusedMessage, or the codec's MalformedPacket. After that the stream cannot be used. */
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

  /** Reads the prefix. An incomplete prefix is kept until its other bytes come. */
  private begin(rest: Buffer): boolean {
    if (this.haveBytes + rest.length < prefixBytes) {
      this.keep(Buffer.from(rest));
      return false;
    }
    const prefix =
      this.haveBytes === 0 ? rest : Buffer.concat([...this.parts, rest.subarray(0, prefixBytes)]);
    if (prefix[0] !== 0)
      throw new RefusedMessage(status.INTERNAL, 'a message is compressed, but the stream has no compression');
    const bytes = prefix.readUInt32BE(1);
    if (bytes > maxMessageBytes) {
      const text = `grpc: received message larger than max (${bytes} vs. ${maxMessageBytes})`;
      throw new RefusedMessage(status.RESOURCE_EXHAUSTED, text);
    }
    this.frameBytes = prefixBytes + bytes;
    return true;
  }

  /** Takes the bytes of the current message. Returns how many they are. */
  private take(chunk: Buffer, at: number): number {
    const bytes = Math.min(this.frameBytes - this.haveBytes, chunk.length - at);
    const part = at === 0 && bytes === chunk.length ? chunk : chunk.subarray(at, at + bytes);
    this.keep(part);
    if (this.haveBytes === this.frameBytes) this.finish();
    return bytes;
  }

  /** The head of a message is read from one buffer, so a first slice that is too short is joined with the next. */
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
