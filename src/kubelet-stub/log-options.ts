import type { LogStream } from '../containers/logs/log-block.js';
import type { ContainerRef, LogRequest } from '../containers/runtime.js';
import { decodeLogOptions, logOptionsFault, UndecodableQuery } from '../kube/pod-log-options.js';

export type LogOptions = Omit<LogRequest, keyof ContainerRef>;

/** `undecodable` is answered with 400, `invalid` with 422. */
export type ParsedLogOptions =
  | { readonly kind: 'ok'; readonly options: LogOptions }
  | { readonly kind: 'undecodable' }
  | { readonly kind: 'invalid' };

const streams: Readonly<Record<string, LogStream>> = { Stdout: 'stdout', Stderr: 'stderr' };

/** Parses the query of `/containerLogs`. `sinceSeconds` counts back from `nowMs` (epoch). */
export function parseLogOptions(search: string, nowMs: number): ParsedLogOptions {
  if (/%(?![0-9a-f]{2})|;/i.test(search)) return { kind: 'undecodable' };
  try {
    return optionsOf(withoutTail(new URLSearchParams(search)), nowMs);
  } catch (caught) {
    if (caught instanceof UndecodableQuery) return { kind: 'undecodable' };
    throw caught;
  }
}

/** The old name `tail` stands for `tailLines`, and its value `all` for no limit. */
function withoutTail(query: URLSearchParams): URLSearchParams {
  const tail = query.get('tail');
  if (tail === 'all') query.delete('tailLines');
  else if (tail) query.set('tailLines', tail);
  return query;
}

function optionsOf(query: URLSearchParams, nowMs: number): ParsedLogOptions {
  const decoded = decodeLogOptions(query);
  if (logOptionsFault(decoded) !== undefined) return { kind: 'invalid' };
  const { follow, previous, timestamps, sinceSeconds, tailLines, limitBytes } = decoded;
  const stream = streams[decoded.stream ?? ''];
  const sinceTimeMs = sinceSeconds === undefined ? decoded.sinceTimeMs : nowMs - sinceSeconds * 1000;
  const options: LogOptions = {
    follow,
    previous,
    timestamps,
    ...(sinceTimeMs === undefined ? {} : { sinceTimeMs }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(stream === undefined ? {} : { stream }),
  };
  return { kind: 'ok', options };
}
