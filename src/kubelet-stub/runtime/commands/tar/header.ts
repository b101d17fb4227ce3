/** What one member of an archive is. */
export interface TarHeader {
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'symlink' | 'hardlink' | 'longName' | 'longLink' | 'pax' | 'other';
  readonly sizeBytes: number;
  readonly mode: number;
  /** Epoch milliseconds. */
  readonly mtimeMs: number;
  readonly linkName: string;
}

export const blockBytes = 512;
const longNameMark = '././@LongLink';

const kinds: Readonly<Record<string, TarHeader['kind']>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'folder',
  L: 'longName',
  K: 'longLink',
  x: 'pax',
};
const typeFlags: Readonly<Record<TarHeader['kind'], string>> = {
  ...{
    file: '0',
    hardlink: '1',
    symlink: '2',
    folder: '5',
    longName: 'L',
    longLink: 'K',
    pax: 'x',
    other: '?',
  },
};

/** Bytes of padding behind so much content. */
export function paddingOf(sizeBytes: number): number {
  return (blockBytes - (sizeBytes % blockBytes)) % blockBytes;
}

/** Reads a header block; undefined for the empty one at the end. Throws when it is none. */
export function decodeHeader(block: Buffer): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  if (numberAt(block, 148, 8) !== checksum(block)) throw new Error('This does not look like a tar archive');
  const prefix = block.toString('latin1', 257, 262) === 'ustar' ? textAt(block, 345, 155) : '';
  const name = textAt(block, 0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    kind: kinds[block.toString('latin1', 156, 157)] ?? 'other',
    sizeBytes: numberAt(block, 124, 12),
    mode: numberAt(block, 100, 8) & 0o7777,
    mtimeMs: numberAt(block, 136, 12) * 1000,
    linkName: textAt(block, 157, 100),
  };
}

/** The blocks of a member's header; names that do not fit go before it as GNU tar does. */
export function encodeHeader(header: TarHeader): Buffer {
  const { name, linkName } = header;
  return Buffer.concat([
    ...(Buffer.byteLength(name) > 100 ? [longText('longName', name)] : []),
    ...(Buffer.byteLength(linkName) > 100 ? [longText('longLink', linkName)] : []),
    headerBlock(header),
  ]);
}

function longText(kind: 'longName' | 'longLink', text: string): Buffer {
  const content = Buffer.from(`${text}\0`);
  const sizeBytes = content.length;
  const head = { name: longNameMark, kind, sizeBytes, mode: 0o644, mtimeMs: 0, linkName: '' };
  return Buffer.concat([headerBlock(head), content, Buffer.alloc(paddingOf(sizeBytes))]);
}

function headerBlock({ name, kind, sizeBytes, mode, mtimeMs, linkName }: TarHeader): Buffer {
  const block = Buffer.alloc(blockBytes);
  Buffer.from(name).copy(block, 0, 0, 100);
  writeOctal(block, { value: mode, at: 100, digits: 7 });
  writeOctal(block, { value: 0, at: 108, digits: 7 });
  writeOctal(block, { value: 0, at: 116, digits: 7 });
  writeOctal(block, { value: sizeBytes, at: 124, digits: 11 });
  writeOctal(block, { value: Math.max(0, Math.floor(mtimeMs / 1000)), at: 136, digits: 11 });
  block.write(typeFlags[kind], 156, 'latin1');
  Buffer.from(linkName).copy(block, 157, 0, 100);
  block.write('ustar\x0000root', 257, 'latin1');
  block.write('root', 297, 'latin1');
  writeOctal(block, { value: checksum(block), at: 148, digits: 6 });
  block.write('\0 ', 154, 'latin1');
  return block;
}

function writeOctal(
  block: Buffer,
  { value, at, digits }: { readonly value: number; readonly at: number; readonly digits: number },
): void {
  block.write(value.toString(8).padStart(digits, '0'), at, 'latin1');
}

/** The sum of all bytes, those of the checksum itself taken for spaces. */
function checksum(block: Buffer): number {
  let sum = 0;
  block.forEach((byte, at) => {
    sum += at >= 148 && at < 156 ? 0x20 : byte;
  });
  return sum;
}

function textAt(block: Buffer, at: number, length: number): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? length : end);
}

/** Octal digits, or a binary number when the first bit says so. */
function numberAt(block: Buffer, at: number, length: number): number {
  const first = block[at] ?? 0;
  if ((first & 0x80) !== 0) return block.readUIntBE(at + length - 6, 6);
  return Number.parseInt(
    block
      .toString('latin1', at, at + length)
      .replace(/\0.*$/s, '')
      .trim() || '0',
    8,
  );
}

/** The records `path`, `linkpath` and `size` of an extended header. */
export function decodePax(content: Buffer): Partial<Pick<TarHeader, 'name' | 'linkName' | 'sizeBytes'>> {
  const records = new Map<string, string>();
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const length = Number(content.toString('latin1', at, space));
    if (space < 0 || !(length > 0)) break;
    const [key = '', ...value] = content.toString('utf8', space + 1, at + length - 1).split('=');
    records.set(key, value.join('='));
    at += length;
  }
  const [name, linkName, size] = ['path', 'linkpath', 'size'].map((key) => records.get(key));
  return {
    ...(name === undefined ? {} : { name }),
    ...(linkName === undefined ? {} : { linkName }),
    ...(size === undefined ? {} : { sizeBytes: Number(size) }),
  };
}
