import type { Clock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import { pause } from '../core/pause.js';
import type { Container, ContainerState } from '../kube/pod-objects.js';
import type { LogsRule } from './behaviours.js';
import { cutDelayMs, disconnectText } from './cut-connection.js';
import { type LogReadOptions, readLog } from './logs/log-reader.js';
import { LogStore } from './logs/log-store.js';
import type { LogRequest } from './runtime.js';

/** A container, as far as its logs matter. */
export interface LoggingContainer {
  readonly spec: Container;
  /** Has no meaning while the container runs. */
  readonly stoppedState: ContainerState;
  readonly logs: LogStore | undefined;
  readonly previousLogs: LogStore | undefined;
  readonly run:
    | { readonly signal: AbortSignal; readFile?(path: string): Promise<Uint8Array | undefined> }
    | undefined;
}

export interface LogSource {
  readonly container: LoggingContainer;
  readonly rule: LogsRule | undefined;
  /** Wall time in epoch milliseconds. */
  readonly now: () => number;
  readonly clock: Clock;
}

/** The log that a request is for. Rejects with LOGS_UNAVAILABLE and a kubelet's text. */
export async function openLogs(
  source: LogSource,
  request: LogRequest,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const { rule, container } = source;
  if (rule?.error !== undefined) throw new TunnelError('LOGS_UNAVAILABLE', rule.error);
  const scripted = rule === undefined ? undefined : await scriptedLog(source, rule, request, signal);
  const store = scripted ?? (request.previous ? container.previousLogs : container.logs);
  if (store === undefined) throw new TunnelError('LOGS_UNAVAILABLE', whyNoLog(container, request));
  const bytes = readLog(store, readOptions(request), signal);
  const limitBytes = rule?.disconnectAfterBytes;
  return limitBytes === undefined ? bytes : cutAfter(bytes, limitBytes, source.clock);
}

/** The beginning of a log; then the connection breaks, if the log has more. */
async function* cutAfter(
  bytes: AsyncIterable<Uint8Array>,
  limitBytes: number,
  clock: Clock,
): AsyncGenerator<Uint8Array, void, undefined> {
  let leftBytes = limitBytes;
  for await (const chunk of bytes) {
    const part = chunk.subarray(0, leftBytes);
    leftBytes -= part.length;
    if (part.length > 0) yield part;
    if (part.length === chunk.length) continue;
    await pause(clock, cutDelayMs);
    throw new TunnelError('TUNNEL_CLOSED', disconnectText(limitBytes));
  }
}

function readOptions(request: LogRequest): LogReadOptions {
  const { follow, timestamps, sinceTimeMs, tailLines, limitBytes, stream } = request;
  return {
    follow,
    timestamps,
    ...(sinceTimeMs === undefined ? {} : { sinceTimeMs }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(stream === undefined ? {} : { stream }),
  };
}

/** A kubelet's texts; kubectl shows them as its error. */
function whyNoLog({ stoppedState, spec }: LoggingContainer, { previous, pod }: LogRequest): string {
  if (previous) return `previous terminated container "${spec.name}" in pod "${pod}" not found`;
  const subject = `container "${spec.name}" in pod "${pod}" is`;
  if ('terminated' in stoppedState) return `${subject} terminated`;
  if (!('waiting' in stoppedState)) return `${subject} not available`;
  switch (stoppedState.waiting.reason) {
    case 'ErrImagePull':
      return `${subject} waiting to start: image can't be pulled`;
    case 'ImagePullBackOff':
      return `${subject} waiting to start: trying and failing to pull image`;
    default:
      return `${subject} waiting to start: ${stoppedState.waiting.reason}`;
  }
}

async function scriptedLog(
  { container, now }: LogSource,
  rule: LogsRule,
  request: LogRequest,
  signal: AbortSignal,
): Promise<LogStore | undefined> {
  const content = request.previous ? rule.previousContent : rule.content;
  const path = request.previous ? rule.previousLogsFile : rule.logsFile;
  const run = container.run;
  if (content === undefined && path === undefined) return undefined;
  const store = new LogStore({ now });
  store.append('stdout', content ?? (await fileContent(container, path ?? '')));
  if (rule.follow !== true || run === undefined || run.signal.aborted || signal.aborted) store.close();
  else run.signal.addEventListener('abort', () => store.close(), { once: true, signal });
  return store;
}

async function fileContent({ run }: LoggingContainer, path: string): Promise<Uint8Array> {
  const content = await run?.readFile?.(path);
  if (content !== undefined) return content;
  throw new TunnelError('LOGS_UNAVAILABLE', `open ${path}: no such file or directory`);
}
