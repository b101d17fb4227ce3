import { once } from 'node:events';
import { Metadata, type ServerWritableStream } from '@grpc/grpc-js';
import type { LogRequest } from '../containers/runtime.js';
import { TunnelError } from '../core/errors.js';
import type { LogChunk } from '../wire/gen/konnsim/kubelet/v1/LogChunk.js';
import type { LogsRequest__Output } from '../wire/gen/konnsim/kubelet/v1/LogsRequest.js';
import { piecesOf } from '../wire/net/message-pieces.js';
import type { DoorContext } from './door-context.js';
import { failCall, goneSignal, subjectOf } from './grpc-call.js';
import { traceRequest } from './request-trace.js';

type LogsCall = ServerWritableStream<LogsRequest__Output, LogChunk>;

/** 64-bit integers arrive as decimal text. */
function countOf(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (value >= least) return value;
  throw new TunnelError('BAD_REQUEST', `${name} must be at least ${least}, not ${text}`);
}

function logRequestOf(message: LogsRequest__Output): LogRequest {
  const { namespace, pod, container, uid, follow, previous, timestamps } = message;
  const sinceTimeMs = countOf('since_time_ms', message.sinceTimeMs, 0);
  const tailLines = countOf('tail_lines', message.tailLines, 0);
  const limitBytes = countOf('limit_bytes', message.limitBytes, 1);
  return {
    namespace,
    pod,
    container,
    follow,
    previous,
    timestamps,
    ...(uid === '' ? {} : { uid }),
    ...(sinceTimeMs === undefined ? {} : { sinceTimeMs }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
  };
}

async function send(call: LogsCall, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  // Tells the client that the log is open, even before its first line.
  call.sendMetadata(new Metadata());
  for await (const chunk of chunks) {
    for (const data of piecesOf([Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)])) {
      if (!call.write({ data })) await once(call, 'drain', { signal });
    }
  }
}

async function serveLogs(context: DoorContext, call: LogsCall): Promise<void> {
  const signal = goneSignal(call);
  const { namespace, pod, container } = call.request;
  const path = `/containerLogs/${namespace}/${pod}/${container}`;
  const trace = traceRequest(context, subjectOf(call, 'logs', path));
  try {
    const chunks = await context.runtime.logs(logRequestOf(call.request), signal);
    await send(call, chunks, signal);
    trace.finished();
    call.end();
  } catch (caught) {
    // When the client of a followed log leaves, following ends normally.
    if (signal.aborted) return trace.finished();
    trace.failed(caught);
    throw caught;
  }
}

export function logsHandler(context: DoorContext): (call: LogsCall) => void {
  return (call) => {
    serveLogs(context, call).catch((caught: unknown) => {
      failCall(call, TunnelError.from(caught, 'LOGS_UNAVAILABLE', context.node));
    });
  };
}
