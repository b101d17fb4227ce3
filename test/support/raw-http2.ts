/** Frames of HTTP/2 as bytes, for peers that do what no library does. */

/** The frame types that are used in tests. */
const frameTypes = { data: 0, headers: 1, reset: 3, settings: 4, windowUpdate: 8 } as const;

/** One frame. `stream` 0 is the connection. */
export function frame(
  type: keyof typeof frameTypes,
  {
    flags = 0,
    stream = 0,
    body = Buffer.alloc(0),
  }: { readonly flags?: number; readonly stream?: number; readonly body?: Buffer } = {},
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = frameTypes[type];
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** A number of four bytes. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Header fields in HPACK's plainest form. */
export function fields(values: Readonly<Record<string, string>>): Buffer {
  const field = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
  return Buffer.concat(
    Object.entries(values).flatMap(([key, value]) => [Buffer.from([0]), field(key), field(value)]),
  );
}

/** The first bytes of a client. */
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
