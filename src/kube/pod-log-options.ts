import { booleanParameter } from './boolean-parameter.js';
import { parseRfc3339 } from './time.js';

/** `v1.PodLogOptions`, as far as a query of logs has them. */
export interface PodLogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly limitBytes: number | undefined;
  readonly sinceSeconds: number | undefined;
  readonly sinceTimeMs: number | undefined;
  readonly tailLines: number | undefined;
  /** As it was given: `All`, `Stdout` and `Stderr` are valid. */
  readonly stream: string | null;
}

/** A query that cannot be decoded; the message is Go's. */
export class UndecodableQuery extends Error {}

/** Reads the options of a query as API machinery decodes them. Throws UndecodableQuery. */
export function decodeLogOptions(query: URLSearchParams): PodLogOptions {
  return {
    follow: booleanParameter(query, 'follow'),
    previous: booleanParameter(query, 'previous'),
    timestamps: booleanParameter(query, 'timestamps'),
    limitBytes: integerParameter(query, 'limitBytes'),
    sinceSeconds: integerParameter(query, 'sinceSeconds'),
    sinceTimeMs: timeParameter(query.get('sinceTime') ?? ''),
    tailLines: integerParameter(query, 'tailLines'),
    stream: query.get('stream'),
  };
}

function integerParameter(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  // More than any log has; beyond it a number would be rounded.
  if (/^[+-]?\d{1,18}$/.test(text)) return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
  throw new UndecodableQuery(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function timeParameter(text: string): number | undefined {
  if (text === '') return undefined;
  const timeMs = parseRfc3339(text);
  if (timeMs !== undefined) return timeMs;
  const quoted = JSON.stringify(text);
  throw new UndecodableQuery(
    `parsing time ${quoted} as "2006-01-02T15:04:05Z07:00": cannot parse ${quoted} as "2006"`,
  );
}

/** What is wrong with decoded options: a value of a field, or two that exclude each other. */
export type LogOptionsFault =
  | { readonly kind: 'invalid'; readonly field: string; readonly value: number; readonly text: string }
  | { readonly kind: 'unsupported'; readonly field: string; readonly value: string }
  | { readonly kind: 'forbidden'; readonly text: string };

const minima = [
  { field: 'limitBytes', least: 1, text: 'must be greater than 0' },
  { field: 'sinceSeconds', least: 1, text: 'must be greater than 0' },
  { field: 'tailLines', least: 0, text: 'must be greater than or equal to 0' },
] as const;

export const logStreams: readonly string[] = ['All', 'Stderr', 'Stdout'];

/** The first fault, as Kubernetes validates with feature gate PodLogsQuerySplitStreams; undefined when all is well. */
export function logOptionsFault(options: PodLogOptions): LogOptionsFault | undefined {
  for (const { field, least, text } of minima) {
    const value = options[field];
    if (value !== undefined && value < least) return { kind: 'invalid', field, value, text };
  }
  const { sinceSeconds, sinceTimeMs, stream, tailLines } = options;
  if (sinceSeconds !== undefined && sinceTimeMs !== undefined)
    return { kind: 'forbidden', text: 'at most one of `sinceTime` or `sinceSeconds` may be specified' };
  if (stream === null) return undefined;
  if (!logStreams.includes(stream)) return { kind: 'unsupported', field: 'stream', value: stream };
  if (stream === 'All' || tailLines === undefined) return undefined;
  return { kind: 'forbidden', text: '`tailLines` and specific `stream` are mutually exclusive for now' };
}
