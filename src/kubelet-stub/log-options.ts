import type { LogStream } from '../containers/logs/log-block.js';
import type { ContainerRef, LogRequest } from '../containers/runtime.js';

export type LogOptions = Omit<LogRequest, keyof ContainerRef>;

/** `undecodable` is answered with 400, `invalid` with 422. */
export type ParsedLogOptions =
  | { readonly kind: 'ok'; readonly options: LogOptions }
  | { readonly kind: 'undecodable' }
  | { readonly kind: 'invalid' };

const undecodable = Symbol('undecodable');
type Decoded<T> = T | undefined | typeof undecodable;

/** As API machinery decodes: absent, `false` and `0` are false, everything else is true. */
function decodeBoolean(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  return text !== null && text !== '0' && text.toLowerCase() !== 'false';
}

function decodeInteger(text: string | null): Decoded<number> {
  if (text === null) return undefined;
  if (!/^[+-]?\d{1,18}$/.test(text)) return undecodable;
  return Number(text);
}

function decodeTime(text: string | null): Decoded<number> {
  if (text === null || text === '') return undefined;
  const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
  const milliseconds = rfc3339.test(text) ? Date.parse(text.replace(/(\.\d{3})\d+/, '$1')) : Number.NaN;
  return Number.isNaN(milliseconds) ? undecodable : milliseconds;
}

/** The old parameter `tail` means `tailLines`; its value `all` means no limit. */
function tailText(query: URLSearchParams): string | null {
  const legacy = query.get('tail');
  if (!legacy) return query.get('tailLines');
  return legacy === 'all' ? null : legacy;
}

interface DecodedQuery {
  readonly sinceSeconds: number | undefined;
  readonly sinceTimeMs: number | undefined;
  readonly tailLines: number | undefined;
  readonly limitBytes: number | undefined;
  /** As it was sent. `All`, `Stdout` and `Stderr` are valid. */
  readonly stream: string | null;
}

function decodeNumbers(query: URLSearchParams): DecodedQuery | undefined {
  const sinceSeconds = decodeInteger(query.get('sinceSeconds'));
  const sinceTimeMs = decodeTime(query.get('sinceTime'));
  const tailLines = decodeInteger(tailText(query));
  const limitBytes = decodeInteger(query.get('limitBytes'));
  if (sinceSeconds === undecodable || sinceTimeMs === undecodable) return undefined;
  if (tailLines === undecodable || limitBytes === undecodable) return undefined;
  return { sinceSeconds, sinceTimeMs, tailLines, limitBytes, stream: query.get('stream') };
}

const streams: ReadonlyMap<string, LogStream | undefined> = new Map([
  ['All', undefined],
  ['Stdout', 'stdout'],
  ['Stderr', 'stderr'],
]);

function isValid({ sinceSeconds, sinceTimeMs, tailLines, limitBytes, stream }: DecodedQuery): boolean {
  if (stream !== null && !streams.has(stream)) return false;
  // A kubelet takes the last lines of both streams together.
  if (stream !== null && stream !== 'All' && tailLines !== undefined) return false;
  if (tailLines !== undefined && tailLines < 0) return false;
  if (limitBytes !== undefined && limitBytes < 1) return false;
  if (sinceSeconds === undefined) return true;
  return sinceSeconds >= 1 && sinceTimeMs === undefined;
}

/** Parses the query of `/containerLogs`. `sinceSeconds` counts back from `nowMs` (epoch). */
export function parseLogOptions(search: string, nowMs: number): ParsedLogOptions {
  if (/%(?![0-9a-f]{2})|;/i.test(search)) return { kind: 'undecodable' };
  const query = new URLSearchParams(search);
  const numbers = decodeNumbers(query);
  if (numbers === undefined) return { kind: 'undecodable' };
  if (!isValid(numbers)) return { kind: 'invalid' };
  const { sinceSeconds, tailLines, limitBytes } = numbers;
  const stream = streams.get(numbers.stream ?? 'All');
  const sinceTimeMs = sinceSeconds === undefined ? numbers.sinceTimeMs : nowMs - sinceSeconds * 1000;
  const options: LogOptions = {
    follow: decodeBoolean(query, 'follow'),
    previous: decodeBoolean(query, 'previous'),
    timestamps: decodeBoolean(query, 'timestamps'),
    ...(sinceTimeMs === undefined ? {} : { sinceTimeMs }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(stream === undefined ? {} : { stream }),
  };
  return { kind: 'ok', options };
}
