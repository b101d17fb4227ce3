/** Names (lower case) to values. Several values of one name are joined by NUL, as in the protocol. */
export type SpdyHeaders = ReadonlyMap<string, string>;

const maxPairs = 1000;
/** Names that SPDY forbids. spdystream refuses a block with one of them. */
const forbidden = new Set(['connection', 'host', 'keep-alive', 'proxy-connection', 'transfer-encoding']);

function lengthPrefix(text: string): Buffer[] {
  const bytes = Buffer.from(text, 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return [length, bytes];
}

/** The uncompressed block: a 32-bit count, then length-prefixed names and values. */
export function encodeHeaderBlock(headers: Iterable<readonly [string, string]>): Buffer {
  const parts: Buffer[] = [];
  let count = 0;
  for (const [name, value] of headers) {
    parts.push(...lengthPrefix(name.toLowerCase()), ...lengthPrefix(value));
    count += 1;
  }
  const head = Buffer.alloc(4);
  head.writeUInt32BE(count);
  return Buffer.concat([head, ...parts]);
}

class Cursor {
  private readonly bytes: Buffer;
  private offset = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  uint32(): number {
    if (this.offset + 4 > this.bytes.length) throw new Error('SPDY header block is cut short');
    const value = this.bytes.readUInt32BE(this.offset);
    this.offset += 4;
    return value;
  }

  text(): string {
    const size = this.uint32();
    if (this.offset + size > this.bytes.length) throw new Error('SPDY header block is cut short');
    const value = this.bytes.toString('utf8', this.offset, this.offset + size);
    this.offset += size;
    return value;
  }

  get atEnd(): boolean {
    return this.offset === this.bytes.length;
  }
}

/** Reads an uncompressed block. Throws an Error with the fault. */
export function decodeHeaderBlock(block: Buffer): SpdyHeaders {
  const cursor = new Cursor(block);
  const count = cursor.uint32();
  if (count > maxPairs)
    throw new Error(`SPDY header block of ${count} pairs is over the limit of ${maxPairs}`);
  const headers = new Map<string, string>();
  for (let index = 0; index < count; index += 1) {
    const name = cursor.text();
    if (name === '') throw new Error('SPDY header without a name');
    if (name !== name.toLowerCase())
      throw new Error(`SPDY header name ${JSON.stringify(name)} is not lower case`);
    if (forbidden.has(name)) throw new Error(`SPDY header ${JSON.stringify(name)} is not allowed`);
    if (headers.has(name)) throw new Error(`SPDY header ${JSON.stringify(name)} comes twice`);
    headers.set(name, cursor.text());
  }
  if (!cursor.atEnd) throw new Error('SPDY header block has bytes behind its last pair');
  return headers;
}
