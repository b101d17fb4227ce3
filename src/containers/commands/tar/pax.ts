import type { TarHeader } from './header.js';

/** What an extended header says about the next member, and its errors, in GNU tar's words. */
export interface PaxRecords {
  readonly overrides: Partial<Pick<TarHeader, 'name' | 'linkName' | 'sizeBytes' | 'mtimeMs'>>;
  readonly complaints: readonly string[];
  /** The content is a map of a sparse file and its non-empty parts. */
  readonly sparse: boolean;
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;
const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09;

/** Parses records of the form `LENGTH KEY=VALUE\n`. Stops at the first malformed one. */
export function decodePax(content: Buffer): PaxRecords {
  const records = new Map<string, string>();
  const complaints: string[] = [];
  for (let at = 0; at < content.length && content[at] !== 0; ) {
    const record = readRecord(content, at);
    if ('complaint' in record) {
      complaints.push(record.complaint);
      break;
    }
    records.set(record.key, record.value);
    at = record.end;
  }
  const size = records.get('size');
  const wrong = size === undefined ? undefined : wrongSize(size);
  if (wrong !== undefined) complaints.push(wrong);
  const [name, linkName] = [records.get('path'), records.get('linkpath')];
  const mtime = Number.parseFloat(records.get('mtime') ?? '');
  return {
    overrides: {
      ...(name === undefined ? {} : { name }),
      ...(linkName === undefined ? {} : { linkName }),
      ...(size === undefined || wrong !== undefined ? {} : { sizeBytes: Number(size) }),
      ...(Number.isFinite(mtime) ? { mtimeMs: Math.floor(mtime * 1000) } : {}),
    },
    complaints,
    sparse: [...records.keys()].some((key) => key.startsWith('GNU.sparse.')),
  };
}

type Record =
  | { readonly key: string; readonly value: string; readonly end: number }
  | { readonly complaint: string };

function readRecord(content: Buffer, start: number): Record {
  let at = start;
  while (isBlank(content[at])) at++;
  const digits = at;
  while (isDigit(content[at])) at++;
  if (at === digits) return { complaint: 'Malformed extended header: missing length' };
  const length = Number(content.toString('latin1', digits, at));
  if (length > content.length - start)
    return { complaint: `Extended header length ${content.toString('latin1', digits, at)} is out of range` };
  const end = start + length;
  const keyAt = at + content.subarray(at).findIndex((byte) => !isBlank(byte));
  if (!isBlank(content[at])) return { complaint: 'Malformed extended header: missing blank after length' };
  const equal = content.indexOf(0x3d, keyAt);
  if (keyAt < at || equal < 0 || equal >= end)
    return { complaint: 'Malformed extended header: missing equal sign' };
  if (content[end - 1] !== 0x0a) return { complaint: 'Malformed extended header: missing newline' };
  return {
    key: content.toString('utf8', keyAt, equal),
    value: content.toString('utf8', equal + 1, end - 1),
    end,
  };
}

function wrongSize(text: string): string | undefined {
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return undefined;
  return /^-?\d+$/.test(text)
    ? `Extended header size=${text} is out of range 0..9223372036854775807`
    : `Malformed extended header: invalid size=${text}`;
}
