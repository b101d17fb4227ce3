import type { ConnectId, DataPacket } from '../../core/packet.js';
import { connectId } from '../../core/packet.js';
import { readShortVarint, type ShortVarint } from './varint.js';

/** Bytes before each gRPC message: the compression flag, and the length in big-endian order. */
export const prefixBytes = 5;
/** The bytes of a message that its first slice must hold to be read there: prefix, tags, lengths and an ID. */
export const headBytes = prefixBytes + 3 + 5 + 1 + 10 + 1 + 5;

/** A DATA packet in the slices that it came in. It is read and passed on without a copy. */
export class ReceivedData implements DataPacket {
  readonly kind = 'DATA';
  readonly connectId: ConnectId;
  readonly pieces: readonly Uint8Array[];
  /** The whole gRPC message, prefix included. */
  readonly frame: readonly Buffer[];
  private joined: Uint8Array | undefined;

  constructor(id: ConnectId, pieces: readonly Uint8Array[], frame: readonly Buffer[]) {
    this.connectId = id;
    this.pieces = pieces;
    this.frame = frame;
  }

  get data(): Uint8Array {
    const [only] = this.pieces;
    this.joined ??= only !== undefined && this.pieces.length === 1 ? only : Buffer.concat(this.pieces);
    return this.joined;
  }

  get raw(): Uint8Array {
    return Buffer.concat(this.frame).subarray(prefixBytes);
  }
}

/**
 * Reads DATA in the form that every known peer sends, `08 04 22 <len> 08 <connectID> 1a <len> <payload>` and nothing
 * after it. Undefined for any other form, which the codec reads. `frame` is one message with its prefix.
 */
export function readData(frame: readonly Buffer[], frameBytes: number): ReceivedData | undefined {
  const [head, ...rest] = frame;
  if (head === undefined || (rest.length > 0 && head.length < headBytes)) return undefined;
  if (head[5] !== 0x08 || head[6] !== 0x04 || head[7] !== 0x22) return undefined;
  const at: ShortVarint = { value: 0, next: 8 };
  if (!readShortVarint(head, at) || at.next + at.value !== frameBytes || head[at.next] !== 0x08)
    return undefined;
  at.next += 1;
  if (!readShortVarint(head, at)) return undefined;
  const id = at.value;
  if (head[at.next] !== 0x1a) return undefined;
  at.next += 1;
  if (!readShortVarint(head, at) || at.next + at.value !== frameBytes) return undefined;
  return new ReceivedData(connectId(BigInt(id)), [head.subarray(at.next), ...rest], frame);
}
