import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { ContainerRef, LogRequest } from '../containers/runtime.js';
import { TunnelError } from '../core/errors.js';
import type { DoorContext } from './door-context.js';
import { type Answered, type Refusal, sendText } from './http-reply.js';
import { parseLogOptions } from './log-options.js';

/** The kubelet's answer when a log cannot be read. */
function refusalOf(error: TunnelError, ref: ContainerRef): Refusal {
  switch (error.code) {
    case 'POD_NOT_FOUND':
      return { status: 404, text: `pod "${ref.pod}" does not exist` };
    case 'CONTAINER_NOT_FOUND':
      return { status: 404, text: `container "${ref.container}" not found in pod "${ref.pod}"` };
    default:
      return { status: 400, text: error.message };
  }
}

/** Sends the headers before there is a line: a client that follows a silent container must not wait. */
async function stream(response: ServerResponse, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Transfer-Encoding': 'chunked' });
  response.flushHeaders();
  // When reading fails, the chunked body has no end, so the client sees that it was cut.
  await pipeline(withReason(chunks, response), response);
}

/** Puts the reason into a log that ends too early, as the kubelet does (HTTP has no other place), and throws. */
async function* withReason(
  chunks: AsyncIterable<Uint8Array>,
  response: ServerResponse,
): AsyncGenerator<Uint8Array> {
  let last: number | undefined;
  try {
    for await (const chunk of chunks) {
      last = chunk.at(-1) ?? last;
      yield chunk;
    }
  } catch (caught) {
    const failure = TunnelError.from(caught, 'LOGS_UNAVAILABLE');
    // After a broken connection no text can be sent.
    if (failure.code === 'TUNNEL_CLOSED') throw failure;
    const text = `${last === undefined || last === lineFeed ? '' : '\n'}${failureText(failure)}\n`;
    await new Promise<void>((resolve) => response.write(text, () => resolve()));
    throw failure;
  }
}

const lineFeed = 10;

function failureText({ code, message }: TunnelError): string {
  return `${message} [${code}]`;
}

export async function serveLogs(
  context: DoorContext,
  request: { readonly ref: ContainerRef; readonly search: string },
  response: ServerResponse,
): Promise<Answered> {
  const parsed = parseLogOptions(request.search, context.wallTimeMs());
  switch (parsed.kind) {
    case 'undecodable':
      return sendText(response, { status: 400, text: '{"message": "Unable to decode query."}' });
    case 'invalid':
      return sendText(response, { status: 422, text: '{"message": "Invalid request."}' });
    case 'ok':
      return sendLog(context, { ...request.ref, ...parsed.options }, response);
  }
}

/** Rejects a single stream without its feature gate. A missing pod or container is reported first. */
function checkStream({ runtime, settings }: DoorContext, request: LogRequest): void {
  const { stream: wanted } = request;
  if (wanted === undefined || settings.featureGates.PodLogsQuerySplitStreams) return;
  runtime.checkContainer(request);
  const name = wanted === 'stdout' ? 'Stdout' : 'Stderr';
  const text = `unable to return the given log stream: "${name}"`;
  throw new TunnelError(
    'LOGS_UNAVAILABLE',
    `${text}. Please enable PodLogsQuerySplitStreams feature gate in kubelet`,
  );
}

async function sendLog(
  context: DoorContext,
  request: LogRequest,
  response: ServerResponse,
): Promise<Answered> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    checkStream(context, request);
    await stream(response, await context.runtime.logs(request, gone.signal));
    return { status: 200 };
  } catch (caught) {
    const error = TunnelError.from(caught, 'LOGS_UNAVAILABLE', context.node);
    if (!response.headersSent) return sendText(response, refusalOf(error, request));
    response.destroy();
    // When the client of a followed log leaves, following ends normally. A failed read does not, although it also
    // closes the response.
    const clientLeft = gone.signal.aborted && !(caught instanceof TunnelError);
    return clientLeft ? { status: 200 } : { status: 200, error: failureText(error) };
  }
}
