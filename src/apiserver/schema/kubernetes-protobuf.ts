import { Cursor } from '../../wire/codec/varint.js';
import { parseBoundedJson, tooManyValues } from '../request/parse.js';
import { StatusError } from '../request/status.js';
import { type JsonObject, setKey, textOf } from '../resources/json.js';
import { maxValues } from '../resources/json-limits.js';
import {
  type Embedded,
  type Field,
  findMessage,
  type Message,
  messageOfField,
  type Scalar,
} from './message-table.js';

/** The first bytes of every Kubernetes protobuf body. */
const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

/** Bytes that are not Kubernetes protobuf, or of a kind without a type. */
export class UndecodableProtobuf extends Error {
  override readonly name = 'UndecodableProtobuf';
}

/**
 * Decodes `application/vnd.kubernetes.protobuf`: the magic, then `Unknown` {1 typeMeta {1 apiVersion, 2 kind}, 2 the
 * object}. Throws UndecodableProtobuf, or MalformedPacket for bytes that end too early, and 413 for too many values.
 */
export function decodeKubernetesProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, 4).equals(magic))
    throw new UndecodableProtobuf(
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    );
  partsLeft = maxParts;
  let raw: Buffer = Buffer.alloc(0);
  const types: JsonObject = {};
  eachField(body.subarray(4), (number, part) => {
    if (number === 2) raw = part.bytes();
    if (number === 1)
      eachField(part.bytes(), (inner, text) => {
        if (inner === 1) types['apiVersion'] = text.bytes().toString();
        if (inner === 2) types['kind'] = text.bytes().toString();
      });
  });
  const kind = textOf(types['kind']);
  const message = findMessage(kind);
  if (message === undefined) throw new UndecodableProtobuf(`no kind "${kind}" is registered`);
  return { ...types, ...decodeMessage(message, raw) };
}

/** One field on the wire: a number, or bytes. */
interface Part {
  readonly bytes: () => Buffer;
  readonly number: () => bigint;
}

/** A value is one, an entry of a map three. */
const maxParts = 2 * maxValues;
/** Parts that the present body may still have. Decoding is synchronous, so no other body uses the counter. */
let partsLeft = 0;

function eachField(buffer: Buffer, visit: (field: number, part: Part) => void): void {
  const cursor = new Cursor(buffer);
  while (!cursor.done) {
    if (--partsLeft < 0) throw tooManyValues();
    const tag = cursor.uint32();
    const part = readPart(cursor, buffer, tag & 7);
    visit(tag >>> 3, part);
  }
}

const none = Buffer.alloc(0);

function readPart(cursor: Cursor, buffer: Buffer, wireType: number): Part {
  if (wireType === 0) {
    const value = cursor.int64();
    return { bytes: () => none, number: () => value };
  }
  if (wireType === 2) {
    const { start, end } = cursor.range();
    return { bytes: () => buffer.subarray(start, end), number: () => 0n };
  }
  const start = cursor.position;
  cursor.skip(wireType);
  const end = cursor.position;
  return { bytes: () => buffer.subarray(start, end), number: () => 0n };
}

function decodeMessage(message: Message, buffer: Buffer): JsonObject {
  const result: JsonObject = {};
  eachField(buffer, (number, part) => {
    const field = message.byNumber.get(number);
    if (field !== undefined) decodeInto(result, field, part);
  });
  return result;
}

function decodeInto(result: JsonObject, field: Field | Embedded, part: Part): void {
  if ('embedded' in field) {
    const inner = findMessage(field.embedded);
    if (inner !== undefined) Object.assign(result, decodeMessage(inner, part.bytes()));
    return;
  }
  switch (field.shape) {
    case 'one': {
      const value = decodeValue(field, part);
      if (!isGoZero(field, value)) result[field.name] = value;
      return;
    }
    case 'list': {
      const list = (result[field.name] ??= []) as unknown[];
      list.push(decodeValue(field, part));
      return;
    }
    case 'map': {
      const map = (result[field.name] ??= {}) as JsonObject;
      const [key, value] = decodeEntry(field, part.bytes());
      setKey(map, key, value);
    }
  }
}

/** Go writes unset fields as zeros; JSON leaves them out. */
function isGoZero({ optional }: Field, value: unknown): boolean {
  return value === undefined || (!optional && (value === '' || value === 0 || value === false));
}

function decodeEntry(field: Field, bytes: Buffer): readonly [string, unknown] {
  let key = '';
  let value: unknown = field.type === 'string' || field.type === 'bytes' ? '' : undefined;
  eachField(bytes, (number, part) => {
    if (number === 1) key = part.bytes().toString();
    if (number === 2) value = decodeValue(field, part);
  });
  return [key, value];
}

function decodeValue(field: Field, part: Part): unknown {
  if (typeof field.type === 'string') return decodeScalar(field.type, part);
  const message = messageOfField(field);
  return message === undefined ? undefined : decodeMessage(message, part.bytes());
}

function decodeScalar(type: Scalar, part: Part): unknown {
  switch (type) {
    case 'string':
      return part.bytes().toString();
    case 'bool':
      return part.number() !== 0n;
    case 'int32':
    case 'int64':
      return Number(part.number());
    case 'double':
      return part.bytes().readDoubleLE(0);
    case 'bytes':
      return part.bytes().toString('base64');
    case 'time':
    case 'microtime':
      return decodeTime(part.bytes(), type === 'microtime');
    case 'quantity':
      return field(part.bytes(), 1)?.bytes().toString() ?? '0';
    case 'intstr':
      return decodeIntOrString(part.bytes());
    case 'strings':
      return decodeStrings(part.bytes());
    case 'fields':
    case 'raw':
      return decodeJson(field(part.bytes(), 1)?.bytes());
  }
}

function field(bytes: Buffer, wanted: number): Part | undefined {
  let found: Part | undefined;
  eachField(bytes, (number, part) => {
    if (number === wanted) found = part;
  });
  return found;
}

/** Seconds in field 1, nanoseconds in field 2; Go's zero time is an empty message. */
function decodeTime(bytes: Buffer, withMicroseconds: boolean): string {
  const seconds = Number(field(bytes, 1)?.number() ?? 0n);
  const nanoseconds = Number(field(bytes, 2)?.number() ?? 0n);
  if (seconds === 0 && nanoseconds === 0) return '';
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  if (!withMicroseconds) return `${whole}Z`;
  return `${whole}.${textOf(Math.floor(nanoseconds / 1000)).padStart(6, '0')}Z`;
}

/** Type in field 1 (0 a number, 1 text), number in 2, text in 3. */
function decodeIntOrString(bytes: Buffer): string | number {
  const isText = field(bytes, 1)?.number() === 1n;
  return isText ? (field(bytes, 3)?.bytes().toString() ?? '') : Number(field(bytes, 2)?.number() ?? 0n);
}

function decodeStrings(bytes: Buffer): string[] {
  const items: string[] = [];
  eachField(bytes, (number, part) => {
    if (number === 1) items.push(part.bytes().toString());
  });
  return items;
}

function decodeJson(bytes: Buffer | undefined): unknown {
  try {
    return bytes === undefined ? undefined : parseBoundedJson(bytes.toString());
  } catch (caught) {
    if (caught instanceof StatusError) throw caught;
    throw new UndecodableProtobuf('embedded JSON cannot be read');
  }
}
