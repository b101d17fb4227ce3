import type { Readable } from 'node:stream';
import WebSocket from 'ws';
import { createRealClock } from '../../../../src/core/clock.js';
import {
  openSpdyRemoteCommand,
  type SpdyRemoteCommand,
} from '../../../../src/streams/remote-command-client.js';
import type {
  RemoteCommandContext,
  RunRemoteCommand,
} from '../../../../src/streams/remote-command-context.js';
import { serveRemoteCommand } from '../../../../src/streams/remote-command-server.js';
import type { RemoteCommandOptions } from '../../../../src/streams/types.js';
import { runMs, soon } from '../../../support/waits.js';
import { startUpgradeServer, type TestServer, upgradeToSpdy } from './upgrade-server.js';

export const allStreams: RemoteCommandOptions = { stdin: true, stdout: true, stderr: true, tty: false };

/** A server whose every upgrade runs `run`. */
export function startCommandServer(
  run: RunRemoteCommand,
  options: RemoteCommandOptions = allStreams,
  context: Partial<RemoteCommandContext> = {},
): Promise<TestServer> {
  return startUpgradeServer((upgrade) =>
    serveRemoteCommand(upgrade, options, run, { clock: createRealClock(), operation: 'exec', ...context }),
  );
}

/** The client's side over SPDY, as kubectl opens it. */
export async function openSpdyCommand(
  port: number,
  streams: RemoteCommandOptions = allStreams,
  protocols: readonly string[] = ['v5.channel.k8s.io', 'v4.channel.k8s.io'],
): Promise<{ readonly protocol: string; readonly command: SpdyRemoteCommand }> {
  const { socket, head, headers } = await upgradeToSpdy(port, { protocols });
  const protocol = String(headers['x-stream-protocol-version']);
  const command = await openSpdyRemoteCommand({ socket, head, protocol, streams, clock: createRealClock() });
  return { protocol, command };
}

/** The output that a command must have. */
export function required(stream: Readable | undefined): Readable {
  if (stream === undefined) throw new Error('the stream was not opened');
  return stream;
}

export interface WebSocketEnd {
  readonly code: number;
  /** All payload of a channel, in order. */
  readonly text: (channel: number) => string;
  readonly bytes: (channel: number) => Buffer;
  readonly messages: readonly Buffer[];
}

export interface WebSocketCommand {
  readonly ws: WebSocket;
  /** Resolves when the server has closed the WebSocket. */
  readonly ended: Promise<WebSocketEnd>;
  send(channel: number, payload: string | Buffer): void;
}

/** The client's side over WebSocket. Messages of a base64 protocol are decoded. */
export async function openWebSocketCommand(
  url: string,
  protocols: readonly string[],
  options: WebSocket.ClientOptions = {},
): Promise<WebSocketCommand> {
  const ws = new WebSocket(url, [...protocols], { perMessageDeflate: false, ...options });
  const messages: Buffer[] = [];
  ws.on('message', (data: Buffer, isBinary) => messages.push(isBinary ? data : decodeText(data)));
  const ended = soon<WebSocketEnd>(
    (resolve) => {
      ws.once('close', (code) => {
        const bytes = (channel: number): Buffer =>
          Buffer.concat(messages.filter((each) => each[0] === channel).map((each) => each.subarray(1)));
        resolve({ code, messages, bytes, text: (channel) => bytes(channel).toString() });
      });
    },
    'end of the WebSocket',
    { withinMs: runMs },
  );
  await soon<void>((resolve, reject) => {
    ws.once('open', resolve);
    ws.on('error', reject);
  }, 'open WebSocket');
  const send = (channel: number, payload: string | Buffer): void => {
    const bytes = Buffer.from(payload);
    if (ws.protocol.includes('base64')) ws.send(`${channel}${bytes.toString('base64')}`);
    else ws.send(Buffer.concat([Buffer.of(channel), bytes]));
  };
  return { ws, ended, send };
}

function decodeText(data: Buffer): Buffer {
  return Buffer.concat([
    Buffer.of(data.readUInt8(0) - 0x30),
    Buffer.from(data.toString('latin1', 1), 'base64'),
  ]);
}
