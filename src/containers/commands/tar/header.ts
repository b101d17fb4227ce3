export interface TarHeader {
  readonly name: string;
  /** The type flag: `0` is a file. */
  readonly type: string;
  readonly sizeBytes: number;
  readonly mode: number;
  /** Epoch milliseconds. */
  readonly mtimeMs: number;
  readonly linkName: string;
}

export const blockBytes = 512;
const longNameMark = '././@LongLink';

export const typeFlags = {
  file: '0',
  hardLink: '1',
  symlink: '2',
  folder: '5',
  longName: 'L',
  longLink: 'K',
} as const;

export function paddingOf(sizeBytes: number): number {
  return (blockBytes - (sizeBytes % blockBytes)) % blockBytes;
}

/** Splits off the part of a name that leads out of its folder: leading slashes, and everything up to the last `..`. */
export function splitName(name: string): { readonly prefix: string; readonly rest: string } {
  const parts = name.split('/');
  const last = parts.lastIndexOf('..');
  const rest = parts
    .slice(last + 1)
    .join('/')
    .replace(/^\/+/, '');
  return { prefix: name.slice(0, name.length - rest.length), rest };
}

export const isEmptyBlock = (block: Buffer): boolean => block.every((byte) => byte === 0);

/** A block that is not a valid header. The message is GNU tar's; it is empty where GNU tar prints nothing. */
export class BadHeader extends Error {}

/** Reads a non-empty header block. Throws a BadHeader. */
export function decodeHeader(block: Buffer): TarHeader {
  const sums = checksums(block);
  if (!sums.includes(numberAt(block, 148, 8))) throw new BadHeader('');
  const sizeBytes = numberAt(block, 124, 12);
  if (!Number.isSafeInteger(sizeBytes)) throw new BadHeader('Archive base-256 value is out of off_t range');
  if (sizeBytes < 0)
    throw new BadHeader(`Archive value ${sizeBytes} is out of off_t range 0..9223372036854775807`);
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? textAt(block, 345, 155) : '';
  const name = textAt(block, 0, 100);
  const flag = block.toString('latin1', 156, 157);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    type: flag === '\0' || flag === '7' ? typeFlags.file : flag,
    sizeBytes,
    mode: numberAt(block, 100, 8) & 0o7777,
    mtimeMs: numberAt(block, 136, 12) * 1000,
    linkName: textAt(block, 157, 100),
  };
}

/** The blocks of a member's header. Names that do not fit are written before it, as GNU tar does. */
export function encodeHeader(header: TarHeader): Buffer {
  const { name, linkName } = header;
  return Buffer.concat([
    ...(Buffer.byteLength(name) > 100 ? [longText(typeFlags.longName, name)] : []),
    ...(Buffer.byteLength(linkName) > 100 ? [longText(typeFlags.longLink, linkName)] : []),
    headerBlock(header),
  ]);
}

function longText(type: string, text: string): Buffer {
  const content = Buffer.from(`${text}\0`);
  const sizeBytes = content.length;
  const head = { name: longNameMark, type, sizeBytes, mode: 0o644, mtimeMs: 0, linkName: '' };
  return Buffer.concat([headerBlock(head), content, Buffer.alloc(paddingOf(sizeBytes))]);
}

function headerBlock({ name, type, sizeBytes, mode, mtimeMs, linkName }: TarHeader): Buffer {
  const block = Buffer.alloc(blockBytes);
  Buffer.from(name).copy(block, 0, 0, 100);
  writeOctal(block, { value: mode, at: 100, digits: 7 });
  writeOctal(block, { value: 0, at: 108, digits: 7 });
  writeOctal(block, { value: 0, at: 116, digits: 7 });
  writeOctal(block, { value: sizeBytes, at: 124, digits: 11 });
  writeOctal(block, { value: Math.max(0, Math.floor(mtimeMs / 1000)), at: 136, digits: 11 });
  block.write(type, 156, 'latin1');
  Buffer.from(linkName).copy(block, 157, 0, 100);
  block.write('ustar\x0000root', 257, 'latin1');
  block.write('root', 297, 'latin1');
  writeOctal(block, { value: checksums(block)[0], at: 148, digits: 6 });
  block.write('\0 ', 154, 'latin1');
  return block;
}

function writeOctal(
  block: Buffer,
  { value, at, digits }: { readonly value: number; readonly at: number; readonly digits: number },
): void {
  block.write(value.toString(8).padStart(digits, '0'), at, 'latin1');
}

/** The sum of all bytes, with spaces in place of the checksum; and the same over signed bytes, as old tars wrote it. */
function checksums(block: Buffer): [number, number] {
  let [plain, signed] = [0, 0];
  block.forEach((byte, at) => {
    const counted = at >= 148 && at < 156 ? 0x20 : byte;
    plain += counted;
    signed += counted > 127 ? counted - 256 : counted;
  });
  return [plain, signed];
}

function textAt(block: Buffer, at: number, length: number): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}

/** Octal digits, or a binary number in two's complement when the first bit is set. Throws a BadHeader. */
function numberAt(block: Buffer, at: number, length: number): number {
  const field = block.subarray(at, at + length);
  if (((field[0] ?? 0) & 0x80) !== 0) {
    return Number(BigInt.asIntN(length * 8 - 1, BigInt(`0x${field.toString('hex')}`)));
  }
  const text = field.toString('latin1').replace(/\0.*$/s, '');
  const match = /^ *([0-7]*) *$/.exec(text);
  if (match === null)
    throw new BadHeader(length === 12 ? `Archive contains '${text}' where numeric off_t value expected` : '');
  return match[1] === '' ? 0 : Number.parseInt(match[1] ?? '', 8);
}
