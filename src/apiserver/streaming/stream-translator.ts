import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { WebSocket } from 'ws';
import { type ErrorCode, TunnelError } from '../../core/errors.js';
import type { UpgradeAnswer } from '../../streams/http-upgrade.js';
import { clientSpdyProtocols, streamProtocolHeader } from '../../streams/protocol-names.js';
import { openSpdyRemoteCommand, type SpdyRemoteCommand } from '../../streams/remote-command-client.js';
import { commandChannel, commandChannelCount, resizesOf } from '../../streams/remote-command-websocket.js';
import { encodeStatus, translatorStatus } from '../../streams/status.js';
import { onAbort } from '../../streams/stream-ends.js';
import type { RemoteCommandOptions, RemoteCommandResult } from '../../streams/types.js';
import { guardSocket } from '../../streams/upgrade-response.js';
import { acceptWebSocket } from '../../streams/websocket-accept.js';
import { WebSocketChannels } from '../../streams/websocket-channels.js';
import { askKubelet, spdyAsk } from './kubelet-connection.js';
import { type StreamingOutcome, type StreamingRequest, targetUrl } from './streaming-request.js';

const protocol = 'v5.channel.k8s.io';
const kind = 'websocket-v5';
/** client-go's remote command executor, which the translator uses, pings the kubelet at this interval. */
const pingIntervalMs = 5_000;
const idleTimeoutMs = 4 * 3_600_000;

/** What ends a translation: a result for our own Status, or the Status in the kubelet's answer to the upgrade. */
type TranslationEnd =
  | RemoteCommandResult
  | { readonly kind: 'error'; readonly message: string; readonly failure: ErrorCode }
  | { readonly kind: 'kubelet-status'; readonly json: Buffer };

/**
 * The stream translator, for exec and attach of WebSocket clients that offer v5: the WebSocket is accepted first, then
 * the kubelet is dialled over SPDY, so every failure, also of the dial, is a Status on the error channel. Resolves at
 * the end; never rejects.
 */
export function translateStream(request: StreamingRequest): Promise<StreamingOutcome> {
  const { socket } = request.upgrade;
  guardSocket(socket);
  return new Promise((resolve) => {
    const refused = (): void =>
      resolve({ protocol: kind, status: 400, error: 'the WebSocket handshake failed' });
    socket.once('close', refused);
    if (socket.destroyed) refused();
    acceptWebSocket(request.upgrade, protocol, (ws) => {
      socket.off('close', refused);
      resolve(translate(request, ws));
    });
  });
}

/** The streams that a kubelet path asks for. Only the literal `1` is true. */
export function commandStreamsOf(path: string): RemoteCommandOptions {
  const query = new URL(path, 'http://kubelet').searchParams;
  const asked = (name: string): boolean => query.get(name) === '1';
  const tty = asked('tty');
  return { stdin: asked('input'), stdout: asked('output'), stderr: asked('error') && !tty, tty };
}

async function translate(request: StreamingRequest, ws: WebSocket): Promise<StreamingOutcome> {
  const { clock } = request;
  const channels = new WebSocketChannels(ws, { protocol, count: commandChannelCount, clock, idleTimeoutMs });
  const forgetSignal = onAbort(request.signal, () => channels.destroy());
  let end: TranslationEnd = { kind: 'error', message: 'the client is gone' };
  void runTranslation(request, channels).then((result) => {
    end = result;
    const status = end.kind === 'kubelet-status' ? end.json : encodeStatus(translatorStatus(end), true);
    channels.send(commandChannel.error, status);
    channels.close(1000);
  });
  await channels.ended;
  forgetSignal();
  return { protocol: kind, status: 101, ...outcomeOf(end) };
}

function outcomeOf(end: TranslationEnd): Pick<StreamingOutcome, 'exitCode' | 'error' | 'code'> {
  switch (end.kind) {
    case 'exit':
      return { exitCode: end.code };
    case 'error':
      return { error: end.message, ...('failure' in end ? { code: end.failure } : {}) };
    case 'kubelet-status':
      return { error: end.json.toString('utf8') };
  }
}

/** The original's executor does not see the client, so this continues: input ends, output is read and dropped. */
async function runTranslation(
  request: StreamingRequest,
  channels: WebSocketChannels,
): Promise<TranslationEnd> {
  const signal = request.serverSignal ?? new AbortController().signal;
  const streams = commandStreamsOf(request.target.path);
  // Called before the dial: the client may send before the kubelet is connected.
  const ends = channelEnds(channels, streams);
  try {
    const answer = await kubeletAnswer(request, signal);
    if (answer.kind === 'refused') return refusal(answer.body);
    const forgetSignal = onAbort(signal, () => answer.socket.destroy());
    answer.socket.once('close', forgetSignal);
    const command = await openSpdyRemoteCommand({
      socket: answer.socket,
      head: answer.head,
      protocol: String(answer.headers[streamProtocolHeader.toLowerCase()] ?? 'channel.k8s.io'),
      streams,
      clock: request.clock,
      pingIntervalMs,
    });
    return await relay(command, ends, request.faithful?.has('exec-cut-is-success') === true);
  } catch (error) {
    const { code: failure, message } = TunnelError.from(error);
    return { kind: 'error', message, failure };
  }
}

async function kubeletAnswer(request: StreamingRequest, signal: AbortSignal): Promise<UpgradeAnswer> {
  const { target } = request;
  try {
    const connect: StreamingRequest['connect'] = (gone) => request.connect(gone, { asHttpClient: true });
    return await askKubelet({ ...request, connect }, spdyAsk(target, clientSpdyProtocols), signal);
  } catch (error) {
    const { code, message } = TunnelError.from(error);
    throw new TunnelError(code, `error sending request: Post "${targetUrl(target)}": ${message}`, {
      cause: error,
    });
  }
}

/** A kubelet's Status is quoted; any other body is text. */
function refusal(body: Buffer): TranslationEnd {
  const text = body.toString('utf8').trim();
  if (/^\{.*"kind"\s*:\s*"Status"/s.test(text)) return { kind: 'kubelet-status', json: Buffer.from(text) };
  return { kind: 'error', message: `unable to upgrade connection: ${text}` };
}

interface ChannelEnds {
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  readonly resizes?: ReturnType<typeof resizesOf>;
}

function channelEnds(channels: WebSocketChannels, streams: RemoteCommandOptions): ChannelEnds {
  return {
    ...(streams.stdin && { stdin: channels.reader(commandChannel.stdin) }),
    ...(streams.stdout && { stdout: channels.writer(commandChannel.stdout) }),
    ...(streams.stderr && { stderr: channels.writer(commandChannel.stderr) }),
    ...(streams.tty && { resizes: resizesOf(channels) }),
  };
}

async function relay(
  command: SpdyRemoteCommand,
  ends: ChannelEnds,
  cutIsSuccess: boolean,
): Promise<RemoteCommandResult> {
  const { stdin } = ends;
  if (stdin !== undefined && command.stdin !== undefined) {
    stdin.pipe(command.stdin);
    // Input that the command no longer reads is dropped. If it stayed unread, it would block the whole WebSocket.
    command.stdin.once('close', () => stdin.resume());
  }
  if (ends.resizes !== undefined) void relayResizes(ends.resizes, command);
  const outputs = [copy(command.stdout, ends.stdout), copy(command.stderr, ends.stderr)];
  const [end] = await Promise.all([command.ended, ...outputs]);
  void command.close();
  if (end.kind === 'status') return end.result;
  if (cutIsSuccess) return { kind: 'exit', code: 0 };
  return { kind: 'error', message: `error reading from error stream: ${end.message}` };
}

/** Settles when the output ends or is cut; the error stream tells which. What cannot be sent any more is dropped. */
async function copy(from: Readable | undefined, to: Writable | undefined): Promise<void> {
  if (from === undefined || to === undefined) return;
  const drop = (): void => void from.unpipe(to).resume();
  to.once('error', drop);
  to.once('close', drop);
  from.pipe(to);
  await finished(from, { writable: false }).catch(() => undefined);
  if (!to.destroyed) await finished(to.end(), { readable: false }).catch(() => undefined);
}

async function relayResizes(
  resizes: ReturnType<typeof resizesOf>,
  command: SpdyRemoteCommand,
): Promise<void> {
  for await (const size of resizes) command.resize(size);
}
