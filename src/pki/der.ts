/** The few DER forms of a certificate (ITU-T X.690). Loading a library would take longer than starting a lab. */
export type Der = Buffer;

const universal = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One element: identifier, length, content. */
function element(identifier: number, ...content: readonly Uint8Array[]): Der {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([identifier]), lengthBytes(body.length), body]);
}

function lengthBytes(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

export const sequence = (...parts: readonly Uint8Array[]): Der => element(universal.sequence, ...parts);
export const set = (...parts: readonly Uint8Array[]): Der => element(universal.set, ...parts);
export const octetString = (bytes: Uint8Array): Der => element(universal.octetString, bytes);
export const utf8String = (text: string): Der => element(universal.utf8String, Buffer.from(text));
export const boolean = (value: boolean): Der => element(universal.boolean, Buffer.from([value ? 0xff : 0]));
/** A constructed element with a context tag, around `parts`. */
export const explicit = (tag: number, ...parts: readonly Uint8Array[]): Der => element(0xa0 | tag, ...parts);
/** A primitive element with a context tag instead of its usual tag. */
export const implicit = (tag: number, bytes: Uint8Array): Der => element(0x80 | tag, bytes);

/** A whole number of any length, from its big-endian bytes without a sign. */
export function unsigned(bytes: Uint8Array): Der {
  const start = bytes.findIndex((byte) => byte !== 0);
  const significant = start === -1 ? Buffer.from([0]) : bytes.subarray(start);
  // A leading one bit would be read as a sign.
  const padding = (significant[0] ?? 0) >= 0x80 ? [Buffer.from([0])] : [];
  return element(universal.integer, ...padding, significant);
}

/** Bits. The last `unusedBits` of them do not count. */
export const bitString = (bytes: Uint8Array, unusedBits = 0): Der =>
  element(universal.bitString, Buffer.from([unusedBits]), bytes);

/** An object identifier in dotted form. */
export function oid(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => base128(arc));
  return element(universal.oid, Buffer.from(bytes));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) digits.unshift(0x80 | (rest & 0x7f));
  return digits;
}

/** A time to the second: UTCTime up to 2049, GeneralizedTime from then on (RFC 5280, 4.1.2.5). */
export function time(date: Date): Der {
  const digits = date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:T]/g, '');
  const long = date.getUTCFullYear() >= 2050 || date.getUTCFullYear() < 1950;
  return long
    ? element(universal.generalizedTime, Buffer.from(digits))
    : element(universal.utcTime, Buffer.from(digits.slice(2)));
}

/** The elements inside a constructed element. The bytes must be DER that a parser has accepted. */
export function children(constructed: Uint8Array): Der[] {
  const parts: Der[] = [];
  let at = contentStart(constructed, 0);
  while (at < constructed.length) {
    const end = elementEnd(constructed, at);
    parts.push(Buffer.from(constructed.subarray(at, end)));
    at = end;
  }
  return parts;
}

/** The content after identifier and length. */
export function content(whole: Uint8Array): Der {
  return Buffer.from(whole.subarray(contentStart(whole, 0)));
}

function contentStart(bytes: Uint8Array, at: number): number {
  const first = bytes[at + 1] ?? 0;
  return at + 2 + (first < 0x80 ? 0 : first & 0x7f);
}

function elementEnd(bytes: Uint8Array, at: number): number {
  const first = bytes[at + 1] ?? 0;
  const start = contentStart(bytes, at);
  if (first < 0x80) return start + first;
  let length = 0;
  for (let index = at + 2; index < start; index += 1) length = length * 256 + (bytes[index] ?? 0);
  return start + length;
}
