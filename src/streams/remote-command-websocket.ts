import type { Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import { TunnelError } from '../core/errors.js';
import { hasStatusJson, headerList, negotiateWebSocket, webSocketProtocolKind } from './protocol-names.js';
import type { RemoteCommandJob } from './remote-command-context.js';
import { runToResult } from './remote-command-run.js';
import { encodeStatus, kubeletStatus } from './status.js';
import { onAbort, whenWritten } from './stream-ends.js';
import { TerminalResizes } from './terminal-resizes.js';
import type { RemoteCommandStreams } from './types.js';
import { refuseUpgrade } from './upgrade-response.js';
import { acceptWebSocket } from './websocket-accept.js';
import { WebSocketChannels } from './websocket-channels.js';

export const commandChannel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
export const commandChannelCount = 5;

export function serveWebSocketRemoteCommand(job: RemoteCommandJob): void {
  const { upgrade, settings } = job;
  const protocol = negotiateWebSocket(upgrade.request, settings.webSocketProtocols);
  if (protocol !== undefined) {
    acceptWebSocket(upgrade, protocol, (ws) => void serveChannels(job, ws, protocol));
    return;
  }
  const offered = headerList(upgrade.request, 'Sec-WebSocket-Protocol').join(' ');
  const accepted = settings.webSocketProtocols.filter((name) => name !== '').join(' ');
  const text = `unable to upgrade: requested protocol(s) are not supported: [${offered}]; supports [${accepted}]`;
  refuseUpgrade(upgrade.socket, { status: 403, body: `${text}\n` }, settings.clock);
  settings.onFailure?.(new TunnelError('BAD_REQUEST', text));
}

async function serveChannels(job: RemoteCommandJob, ws: WebSocket, protocol: string): Promise<void> {
  const { clock, idleTimeoutMs, operation, signal, onProtocol } = job.settings;
  const channels = new WebSocketChannels(ws, { protocol, count: commandChannelCount, clock, idleTimeoutMs });
  const clientGone = new AbortController();
  const forgetSignal = onAbort(signal, () => channels.destroy());
  let finished = false;
  void channels.ended.then(() => {
    forgetSignal();
    if (!finished) clientGone.abort(new TunnelError('TUNNEL_CLOSED', 'the client is gone'));
  });
  onProtocol?.(webSocketProtocolKind(protocol));
  greet(job, channels);
  const streams = commandStreams(job, channels, clientGone.signal);
  const result = await runToResult(job.run, streams);
  await Promise.all([flushed(streams.stdout), flushed(streams.stderr)]);
  finished = true;
  const text = encodeStatus(kubeletStatus(result, operation), hasStatusJson(protocol));
  if (text.length > 0) channels.send(commandChannel.error, text);
  // Without a close frame kubectl hangs. With another code than 1000 it fails.
  channels.close(1000);
}

/** The first message is empty, on the lowest channel that the server writes, as in Go servers. */
function greet(job: RemoteCommandJob, channels: WebSocketChannels): void {
  const { stdout, stderr } = job.options;
  const lowest = stdout ? commandChannel.stdout : stderr ? commandChannel.stderr : commandChannel.error;
  channels.send(lowest, Buffer.alloc(0));
}

function commandStreams(
  job: RemoteCommandJob,
  channels: WebSocketChannels,
  signal: AbortSignal,
): RemoteCommandStreams {
  const { options } = job;
  return {
    ...(options.stdin && { stdin: channels.reader(commandChannel.stdin) }),
    ...(options.stdout && { stdout: channels.writer(commandChannel.stdout) }),
    ...(options.stderr && { stderr: channels.writer(commandChannel.stderr) }),
    ...(options.tty && { resize: resizesOf(channels) }),
    signal,
  };
}

export function resizesOf(channels: WebSocketChannels): TerminalResizes {
  const resizes = new TerminalResizes();
  const reader = channels.reader(commandChannel.resize);
  reader.on('data', (bytes: Buffer) => resizes.push(bytes));
  reader.once('close', () => resizes.end());
  return resizes;
}

/** Resolves when all written bytes were passed on. */
function flushed(writer: Writable | undefined): Promise<void> {
  return writer === undefined ? Promise.resolve() : whenWritten(writer.end());
}
