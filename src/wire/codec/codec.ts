import {
  type ConnectId,
  connectId,
  type DataPacket,
  type DialRequestPacket,
  type DialResponsePacket,
  dialId,
  maxHeldIds,
  type Packet,
  type PacketKind,
  windowOf,
} from '../../core/packet.js';
import { Cursor, lengthOfInt64, lengthOfUint32, writeInt64, writeUint32 } from './varint.js';

/** PacketType's numbers, and the Packet field that carries each payload. */
const wireOf = {
  DIAL_REQ: { type: 0, field: 2 },
  DIAL_RSP: { type: 1, field: 3 },
  DATA: { type: 4, field: 4 },
  CLOSE_REQ: { type: 2, field: 5 },
  CLOSE_RSP: { type: 3, field: 6 },
  DIAL_CLS: { type: 5, field: 7 },
  DRAIN: { type: 6, field: 8 },
  WINDOW_UPDATE: { type: 100, field: 100 },
  HELD: { type: 101, field: 101 },
} as const satisfies Record<Exclude<PacketKind, 'UNKNOWN'>, { type: number; field: number }>;

const kinds: readonly (keyof typeof wireOf)[] = [
  'DIAL_REQ',
  'DIAL_RSP',
  'CLOSE_REQ',
  'CLOSE_RSP',
  'DATA',
  'DIAL_CLS',
  'DRAIN',
];

/** The types that our extensions add (`fc1`, `ids1`). */
const extensionKinds: Readonly<Record<number, keyof typeof wireOf>> = { 100: 'WINDOW_UPDATE', 101: 'HELD' };

/** The field that `fc1` adds to the two dial messages. */
const windowField = 100;

/** Decodes one packet without copying its payload. Throws MalformedPacket and no other error. */
export function decodePacket(raw: Buffer): Packet {
  const cursor = new Cursor(raw);
  let type = 0;
  let field = 0;
  let payload = { start: 0, end: 0 };
  while (!cursor.done) {
    const tag = cursor.uint32();
    if (tag === 8) type = cursor.uint32();
    else if ((tag & 7) === 2 && isPayload(tag >>> 3)) {
      field = tag >>> 3;
      payload = cursor.range();
    } else cursor.skip(tag & 7);
  }
  const kind = kinds[type] ?? extensionKinds[type];
  if (kind === undefined) return { kind: 'UNKNOWN', type: type | 0, raw };
  // The type decides. A payload of another type is read as zero values, as with Go's nil-safe getters (R2).
  const fits = field === wireOf[kind].field;
  if (kind === 'HELD') return { kind, connectIds: fits ? readIds(raw, payload) : [], raw };
  const body = fits ? readBody(raw, payload) : emptyBody;
  return toPacket(kind, body, raw);
}

const isPayload = (field: number): boolean =>
  (field >= 2 && field <= 8) || extensionKinds[field] !== undefined;

/** The fields of any payload message. Konnectivity uses only the numbers 1 to 3. */
interface Body {
  readonly text: readonly (string | undefined)[];
  readonly int: readonly (bigint | undefined)[];
  readonly bytes: Uint8Array;
  readonly initWindow: number;
}

const noBytes: Uint8Array = Buffer.alloc(0);
const emptyBody: Body = { text: [], int: [], bytes: noBytes, initWindow: 0 };

function readBody(raw: Buffer, { start, end }: { start: number; end: number }): Body {
  const cursor = new Cursor(raw, start, end);
  const text: (string | undefined)[] = [];
  const int: (bigint | undefined)[] = [];
  let bytes: Uint8Array = noBytes;
  let initWindow = 0;
  while (!cursor.done) {
    const tag = cursor.uint32();
    const field = tag >>> 3;
    const wireType = tag & 7;
    if (wireType === 0 && field <= 3) int[field] = cursor.int64();
    else if (wireType === 0 && field === windowField) initWindow = cursor.uint32();
    else if (wireType === 2 && field <= 2) {
      const range = cursor.range();
      text[field] = raw.toString('utf8', range.start, range.end);
    } else if (wireType === 2 && field === 3) {
      const range = cursor.range();
      bytes = raw.subarray(range.start, range.end);
    } else cursor.skip(wireType);
  }
  return { text, int, bytes, initWindow };
}

/** At most `maxHeldIds`: each may need an answer (R31). As in all protobuf they are packed or not. */
function readIds(raw: Buffer, { start, end }: { start: number; end: number }): ConnectId[] {
  const cursor = new Cursor(raw, start, end);
  const ids: ConnectId[] = [];
  while (!cursor.done && ids.length < maxHeldIds) {
    const tag = cursor.uint32();
    if (tag === 8) ids.push(connectId(cursor.int64()));
    else if (tag === 10) {
      const range = cursor.range();
      const packed = new Cursor(raw, range.start, range.end);
      while (!packed.done && ids.length < maxHeldIds) ids.push(connectId(packed.int64()));
    } else cursor.skip(tag & 7);
  }
  return ids;
}

function toPacket(kind: Exclude<keyof typeof wireOf, 'HELD'>, body: Body, raw: Buffer): Packet {
  const { text, int, bytes } = body;
  const id = (field: number): bigint => int[field] ?? 0n;
  const window = windowOf(body.initWindow);
  switch (kind) {
    case 'DIAL_REQ':
      return { kind, protocol: text[1] ?? '', address: text[2] ?? '', dialId: dialId(id(3)), ...window, raw };
    case 'DIAL_RSP':
      return {
        kind,
        error: text[1] ?? '',
        connectId: connectId(id(2)),
        dialId: dialId(id(3)),
        ...window,
        raw,
      };
    case 'CLOSE_REQ':
      return { kind, connectId: connectId(id(1)), raw };
    case 'CLOSE_RSP':
      return { kind, error: text[1] ?? '', connectId: connectId(id(2)), raw };
    case 'DATA':
      return { kind, connectId: connectId(id(1)), data: bytes, raw };
    case 'DIAL_CLS':
      return { kind, dialId: dialId(id(1)), raw };
    case 'DRAIN':
      return { kind, raw };
    case 'WINDOW_UPDATE':
      return { kind, connectId: connectId(id(1)), credit: Number(BigInt.asUintN(32, id(2))), raw };
  }
}

/** The whole packet as new bytes. A packet that was received keeps its bytes, with unknown fields. */
export function encodeToBuffer(packet: Packet): Buffer {
  if (packet.raw !== undefined) return asBuffer(packet.raw);
  if (packet.kind === 'DATA') return encodeData(packet);
  if (packet.kind === 'UNKNOWN') return Buffer.from(tagged(1, packet.type >>> 0));
  const { type, field } = wireOf[packet.kind];
  const body = Buffer.concat(bodyOf(packet));
  const head = type === 0 ? [] : tagged(1, type);
  return Buffer.concat([Buffer.from([...head, ...varint((field << 3) | 2), ...varint(body.length)]), body]);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function encodeData({ connectId, data }: DataPacket): Buffer {
  const headLength = dataHeadLength(connectId, data.length);
  const bytes = Buffer.allocUnsafe(headLength + data.length);
  writeDataHead(bytes, 0, { connectId, dataBytes: data.length });
  bytes.set(data, headLength);
  return bytes;
}

/** How many bytes of a DATA packet come before its payload. */
export function dataHeadLength(id: ConnectId, dataBytes: number): number {
  return 3 + lengthOfUint32(innerLength(id, dataBytes)) + innerLength(id, dataBytes) - dataBytes;
}

function innerLength(id: ConnectId, dataBytes: number): number {
  const idLength = id === 0n ? 0 : 1 + lengthOfInt64(id);
  return idLength + (dataBytes === 0 ? 0 : 1 + lengthOfUint32(dataBytes) + dataBytes);
}

/** Writes `08 04 22 <len> 08 <connectID> 1a <len>`, type DATA and field 4 of Packet, up to the payload. */
export function writeDataHead(
  target: Uint8Array,
  offset: number,
  { connectId: id, dataBytes }: { readonly connectId: ConnectId; readonly dataBytes: number },
): void {
  target[offset] = 0x08;
  target[offset + 1] = 0x04;
  target[offset + 2] = 0x22;
  let at = writeUint32(target, offset + 3, innerLength(id, dataBytes));
  if (id !== 0n) {
    target[at] = 0x08;
    at = writeInt64(target, at + 1, id);
  }
  if (dataBytes === 0) return;
  target[at] = 0x1a;
  writeUint32(target, at + 1, dataBytes);
}

function bodyOf(packet: Exclude<Packet, DataPacket | { kind: 'UNKNOWN' }>): Buffer[] {
  switch (packet.kind) {
    case 'DIAL_REQ':
      return [textField(1, packet.protocol), textField(2, packet.address), ...dialFields(packet)];
    case 'DIAL_RSP':
      return [textField(1, packet.error), intField(2, packet.connectId), ...dialFields(packet)];
    case 'CLOSE_REQ':
      return [intField(1, packet.connectId)];
    case 'CLOSE_RSP':
      return [textField(1, packet.error), intField(2, packet.connectId)];
    case 'DIAL_CLS':
      return [intField(1, packet.dialId)];
    case 'DRAIN':
      return [];
    case 'WINDOW_UPDATE':
      return [intField(1, packet.connectId), intField(2, BigInt(packet.credit))];
    case 'HELD':
      return packedField(1, packet.connectIds);
  }
}

const dialFields = ({ dialId: random, initWindow = 0 }: DialRequestPacket | DialResponsePacket): Buffer[] => [
  intField(3, random),
  intField(windowField, BigInt(initWindow)),
];

const varint = (value: number): number[] => {
  const bytes = new Uint8Array(lengthOfUint32(value));
  writeUint32(bytes, 0, value);
  return [...bytes];
};

const tagged = (field: number, value: number): number[] => [...varint(field << 3), ...varint(value)];

function textField(field: number, text: string): Buffer {
  if (text === '') return Buffer.alloc(0);
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function intField(field: number, value: bigint): Buffer {
  if (value === 0n) return Buffer.alloc(0);
  const tag = varint(field << 3);
  const bytes = Buffer.alloc(tag.length + lengthOfInt64(value));
  bytes.set(tag);
  writeInt64(bytes, tag.length, value);
  return bytes;
}

function packedField(field: number, values: readonly bigint[]): Buffer[] {
  if (values.length === 0) return [];
  const bytes = Buffer.alloc(values.reduce((sum, value) => sum + lengthOfInt64(value), 0));
  let at = 0;
  for (const value of values) at = writeInt64(bytes, at, value);
  return [Buffer.from([(field << 3) | 2, ...varint(bytes.length)]), bytes];
}
