/** A part of a file: `length` bytes from `start` on. */
export interface ByteRange {
  readonly start: number;
  readonly length: number;
}

/** `invalid` and `beyond` are both a 416; only `beyond` reports the length of the file. */
export type RequestedRanges =
  | { readonly kind: 'ranges'; readonly ranges: readonly ByteRange[] }
  | { readonly kind: 'invalid' | 'beyond' };

const invalid: RequestedRanges = { kind: 'invalid' };

/**
 * Parses a `Range` header as Go's file server does. An empty list means the whole file: no header, or parts that
 * together are longer than the file. Parts that begin after the end are ignored, unless there are no others.
 */
export function requestedRanges(header: string | undefined, sizeBytes: number): RequestedRanges {
  if (header === undefined || header === '') return { kind: 'ranges', ranges: [] };
  if (!header.startsWith('bytes=')) return invalid;
  const ranges: ByteRange[] = [];
  const parts = header.slice('bytes='.length).split(',');
  const wanted = parts.map((part) => part.trim()).filter((part) => part !== '');
  for (const part of wanted) {
    const range = readRange(part, sizeBytes);
    if (range === 'invalid') return invalid;
    if (range !== 'beyond') ranges.push(range);
  }
  // Some clients always ask for a range; for an empty file they get all of it.
  if (ranges.length === 0 && wanted.length > 0 && sizeBytes > 0) return { kind: 'beyond' };
  const sum = ranges.reduce((total, { length }) => total + length, 0);
  return { kind: 'ranges', ranges: sum > sizeBytes ? [] : ranges };
}

function readRange(part: string, sizeBytes: number): ByteRange | 'invalid' | 'beyond' {
  const [, first = '', last = ''] = /^\+?(\d{0,18})\s*-\s*\+?(\d{0,18})$/.exec(part) ?? [];
  if (first === '') {
    if (last === '') return 'invalid';
    const length = Math.min(Number(last), sizeBytes);
    return { start: sizeBytes - length, length };
  }
  const start = Number(first);
  if (start >= sizeBytes) return 'beyond';
  if (last === '') return { start, length: sizeBytes - start };
  if (Number(last) < start) return 'invalid';
  return { start, length: Math.min(Number(last), sizeBytes - 1) - start + 1 };
}

export function contentRange({ start, length }: ByteRange, sizeBytes: number): string {
  return `bytes ${start}-${start + length - 1}/${sizeBytes}`;
}
