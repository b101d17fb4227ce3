/** A header block and its content, as a tar writes them; `fields` are written over the header, which is then summed up. */
export function tarMember(
  name: string,
  content: Buffer | string = '',
  fields: Readonly<Record<number, string | Buffer>> = {},
): Buffer {
  const body = Buffer.from(content);
  const head = Buffer.alloc(512);
  head.write(name, 0, 100);
  head.write('0000644\0' + '0000000\0' + '0000000\0', 100, 'latin1');
  head.write(`${body.length.toString(8).padStart(11, '0')}\0${'14000000000'}\0`, 124, 'latin1');
  head.write('0', 156, 'latin1');
  head.write('ustar\x0000', 257, 'latin1');
  for (const [at, value] of Object.entries(fields)) Buffer.from(value).copy(head, Number(at));
  return Buffer.concat([summedUp(head), body, Buffer.alloc(-body.length & 511)]);
}

/** The block with the right checksum. */
export function summedUp(block: Buffer): Buffer {
  const copy = Buffer.from(block).fill(' ', 148, 156);
  const sum = copy.reduce((total, byte) => total + byte, 0);
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return copy;
}

export const tarEnd = Buffer.alloc(1024);
export const field = { mode: 100, size: 124, mtime: 136, type: 156, link: 157 } as const;

/** An extended header with that content, and a file `f` behind it. */
export const paxed = (records: string): Buffer =>
  Buffer.concat([tarMember('pax', records, { [field.type]: 'x' }), tarMember('f', 'abc'), tarEnd]);
