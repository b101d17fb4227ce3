import type { DataPacket, Packet } from '../../core/packet.js';
import { dataHeadLength, encodeToBuffer, writeDataHead } from './codec.js';
import { prefixBytes, ReceivedData } from './received-data.js';

/** Shorter slices are copied: each slice keeps its whole read buffer alive, and costs a write like some KiB. */
const shortBytes = 4 * 1024;

/** Packets that are sent in one write, each as a gRPC message. */
export class PacketBatch {
  /** The messages with their prefixes. Only short payloads are copied. */
  readonly slices: Buffer[] = [];
  /** All bytes of `slices`. */
  sizeBytes = 0;
  packets = 0;

  add(packet: Packet): void {
    this.packets += 1;
    if (packet instanceof ReceivedData) this.addFrame(packet.frame);
    else if (packet.kind === 'DATA' && packet.raw === undefined) this.addData(packet);
    else this.addMessage(encodeToBuffer(packet));
  }

  private push(slice: Buffer): void {
    this.slices.push(slice);
    this.sizeBytes += slice.length;
  }

  private addFrame(frame: readonly Buffer[]): void {
    let bytes = 0;
    for (const slice of frame) bytes += slice.length;
    if (bytes < shortBytes) return this.push(Buffer.concat(frame));
    for (const slice of frame) this.push(slice.length < shortBytes ? Buffer.from(slice) : slice);
  }

  private addData({ connectId, data }: DataPacket): void {
    const headLength = dataHeadLength(connectId, data.length);
    const short = data.length < shortBytes;
    const head = Buffer.allocUnsafe(prefixBytes + headLength + (short ? data.length : 0));
    writePrefix(head, headLength + data.length);
    writeDataHead(head, prefixBytes, { connectId, dataBytes: data.length });
    if (short) head.set(data, prefixBytes + headLength);
    this.push(head);
    if (!short) this.push(Buffer.from(data.buffer, data.byteOffset, data.length));
  }

  private addMessage(message: Buffer): void {
    const frame = Buffer.allocUnsafe(prefixBytes + message.length);
    writePrefix(frame, message.length);
    frame.set(message, prefixBytes);
    this.push(frame);
  }
}

function writePrefix(target: Buffer, messageBytes: number): void {
  target[0] = 0;
  target.writeUInt32BE(messageBytes, 1);
}
