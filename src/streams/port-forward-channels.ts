import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { forwardErrorText, type PortForwardSettings } from './port-forward-context.js';
import { splice } from './port-forward-splice.js';
import { onAbort, whenWritten } from './stream-ends.js';
import { WebSocketChannels } from './websocket-channels.js';

export interface PortChannels {
  readonly protocol: string;
  /** Port `i` has channel `2i` for data and `2i + 1` for errors. */
  readonly ports: readonly number[];
}

interface ChannelSession {
  readonly channels: WebSocketChannels;
  readonly settings: PortForwardSettings;
  readonly signal: AbortSignal;
}

/**
 * Serves the older WebSocket form. Every channel begins with its port (2 bytes, little endian). Each port has one
 * connection until the WebSocket ends, without half-close. Closes after the last connection has ended.
 */
export function servePortForwardChannels(
  ws: WebSocket,
  { protocol, ports }: PortChannels,
  settings: PortForwardSettings,
): void {
  const { clock, idleTimeoutMs } = settings;
  const count = ports.length * 2;
  const channels = new WebSocketChannels(ws, { protocol, count, cutWhenLost: true, clock, idleTimeoutMs });
  const clientGone = new AbortController();
  const forgetSignal = onAbort(settings.signal, () => channels.destroy());
  void channels.ended.then(() => {
    forgetSignal();
    clientGone.abort();
  });
  const session = { channels, settings, signal: clientGone.signal };
  const forwards = ports.map((port, index) => forwardChannel(session, port, index));
  void Promise.all(forwards).then(() => channels.close(1000));
}

async function forwardChannel(session: ChannelSession, port: number, index: number): Promise<void> {
  const { channels, settings, signal } = session;
  const label = Buffer.alloc(2);
  label.writeUInt16LE(port);
  channels.send(index * 2, label);
  channels.send(index * 2 + 1, label);
  const client = Duplex.from({ readable: channels.reader(index * 2), writable: channels.writer(index * 2) });
  client.on('error', () => undefined);
  let cause: unknown;
  try {
    const target = await settings.connect(port, signal);
    target.on('error', () => undefined);
    if (signal.aborted) target.destroy();
    else cause = await splice(client, target, settings);
  } catch (rejected) {
    cause = rejected;
  }
  if (cause !== undefined && !signal.aborted) {
    channels.send(index * 2 + 1, Buffer.from(forwardErrorText(settings, port, cause)));
  }
  await whenWritten(client.end());
  client.destroy();
}
