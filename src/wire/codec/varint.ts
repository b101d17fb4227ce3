/** A message that ends too early, a length beyond the message, or a wire type that protobuf uses no more. */
export class MalformedPacket extends RangeError {
  override readonly name = 'MalformedPacket';
}

/** Reads protobuf bytes, without copying. Each message needs a new cursor. */
export class Cursor {
  position: number;
  private readonly bytes: Uint8Array;
  private readonly end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  get done(): boolean {
    return this.position >= this.end;
  }

  /** A varint that must fit 32 bits: tags, lengths, enum values (sign-extended ones keep their low 32 bits). */
  uint32(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new MalformedPacket('a varint is longer than 10 bytes');
  }

  int64(): bigint {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt(low);
    }
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new MalformedPacket('a varint is longer than 10 bytes');
  }

  /** The range of a length-delimited field. The cursor moves behind it. */
  range(): { readonly start: number; readonly end: number } {
    const length = this.uint32();
    const start = this.position;
    const end = start + length;
    if (end > this.end) throw new MalformedPacket('a length is larger than the message');
    this.position = end;
    return { start, end };
  }

  skip(wireType: number): void {
    if (wireType === 0) this.int64();
    else if (wireType === 1) this.forward(8);
    else if (wireType === 2) this.range();
    else if (wireType === 5) this.forward(4);
    else throw new MalformedPacket(`wire type ${wireType} is not in use`);
  }

  private forward(count: number): void {
    this.position += count;
    if (this.position > this.end) throw new MalformedPacket('the message ends inside a field');
  }

  private byte(): number {
    const byte = this.position < this.end ? this.bytes[this.position] : undefined;
    if (byte === undefined) throw new MalformedPacket('the message ends inside a varint');
    this.position += 1;
    return byte;
  }
}

/** Bytes of a varint for a length or tag (32 bits). */
export function lengthOfUint32(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 0x7f; rest >>>= 7) bytes += 1;
  return bytes;
}

/** Writes a 32-bit varint and returns the offset behind it. */
export function writeUint32(target: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest > 0x7f) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}

/** Bytes of a varint for an int64; negative ones take ten. */
export function lengthOfInt64(value: bigint): number {
  if (value >= 0n && value <= 0x7fff_ffffn) return lengthOfUint32(Number(value));
  let bytes = 1;
  for (let rest = BigInt.asUintN(64, value); rest > 0x7fn; rest >>= 7n) bytes += 1;
  return bytes;
}

/** Writes an int64 varint and returns the offset behind it. */
export function writeInt64(target: Uint8Array, offset: number, value: bigint): number {
  if (value >= 0n && value <= 0x7fff_ffffn) return writeUint32(target, offset, Number(value));
  let at = offset;
  let rest = BigInt.asUintN(64, value);
  while (rest > 0x7fn) {
    target[at++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  target[at++] = Number(rest);
  return at;
}

/** The value of a varint, and where the next field begins. */
export interface ShortVarint {
  value: number;
  next: number;
}

/** Reads a varint of at most four bytes at `at.next`. Returns false for longer or broken ones. */
export function readShortVarint(bytes: Uint8Array, at: ShortVarint): boolean {
  let value = 0;
  for (let index = 0; index < 4; index += 1) {
    const byte = bytes[at.next + index];
    if (byte === undefined) return false;
    value |= (byte & 0x7f) << (7 * index);
    if (byte < 0x80) {
      at.value = value;
      at.next += index + 1;
      return true;
    }
  }
  return false;
}
