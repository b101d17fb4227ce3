import {
  type FieldError,
  forbiddenField,
  invalidObject,
  invalidValue,
  notSupported,
} from '../request/invalid.js';
import { booleanParameter } from '../request/selection.js';
import { badRequest, type StatusError } from '../request/status.js';
import { formatTime } from '../resources/wall-clock.js';

/** The parameters of `pods/NAME/log`, checked. */
export interface LogOptions {
  /** Empty: the only container of the pod. */
  readonly container: string;
  readonly insecureBackend: boolean;
  /** The query for the kubelet, without the container. */
  readonly kubeletQuery: readonly (readonly [string, string])[];
}

const booleans = ['follow', 'previous', 'timestamps'] as const;
const integers = [
  { name: 'limitBytes', least: 1, text: 'must be greater than 0' },
  { name: 'sinceSeconds', least: 1, text: 'must be greater than 0' },
  { name: 'tailLines', least: 0, text: 'must be greater than or equal to 0' },
] as const;

/** Parses the options as kube-apiserver does: 400 for what is not a number or a time, 422 for what is out of range. */
export function parseLogOptions(query: URLSearchParams, pod: string): LogOptions {
  const kubeletQuery: [string, string][] = [];
  for (const name of booleans) if (booleanParameter(query, name)) kubeletQuery.push([name, 'true']);
  for (const rule of integers) {
    const value = integerParameter(query, rule.name);
    if (value === undefined) continue;
    if (value < rule.least) throw invalid(pod, invalidValue(rule.name, value, rule.text));
    kubeletQuery.push([rule.name, String(value)]);
  }
  const sinceTime = query.get('sinceTime');
  if (sinceTime !== null && sinceTime !== '') {
    if (query.has('sinceSeconds'))
      throw invalid(pod, forbiddenField('', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
    kubeletQuery.push(['sinceTime', timeParameter(sinceTime)]);
  }
  const stream = streamParameter(query, pod);
  if (stream !== undefined) kubeletQuery.push(['stream', stream]);
  return {
    container: query.get('container') ?? '',
    insecureBackend: booleanParameter(query, 'insecureSkipTLSVerifyBackend'),
    kubeletQuery,
  };
}

function integerParameter(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (/^[+-]?\d{1,15}$/.test(text)) return Number(text);
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** Kubelets get whole seconds, as RFC 3339. */
function timeParameter(text: string): string {
  const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
  const timeMs = rfc3339.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(timeMs)) return formatTime(Math.floor(timeMs / 1000) * 1000);
  const quoted = JSON.stringify(text);
  throw badRequest(`parsing time ${quoted} as "2006-01-02T15:04:05Z07:00": cannot parse ${quoted} as "2006"`);
}

const streams = ['All', 'Stderr', 'Stdout'];

/** As with feature gate PodLogsQuerySplitStreams; the kubelet decides whether it supports such logs. */
function streamParameter(query: URLSearchParams, pod: string): string | undefined {
  const stream = query.get('stream');
  if (stream === null) return undefined;
  if (!streams.includes(stream)) throw invalid(pod, notSupported('stream', stream, streams));
  if (stream !== 'All' && query.get('tailLines'))
    throw invalid(
      pod,
      forbiddenField('', '`tailLines` and specific `stream` are mutually exclusive for now'),
    );
  return stream;
}

function invalid(pod: string, error: FieldError): StatusError {
  return invalidObject({ kind: 'PodLogOptions', group: '' }, pod, [error]);
}
