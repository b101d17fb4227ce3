import type { Duplex, Readable, Writable } from 'node:stream';
import type { Clock } from '../core/clock.js';
import { hasStatusJson } from './protocol-names.js';
import { type RemoteCommandStreamType, remoteCommandStreamTypes } from './remote-command-spdy.js';
import { SpdyConnection } from './spdy/connection.js';
import type { SpdyStream } from './spdy/stream.js';
import { decodeErrorStream } from './status.js';
import { encodeResize } from './terminal-resizes.js';
import type { RemoteCommandOptions, RemoteCommandResult, TerminalSize } from './types.js';

export interface SpdyRemoteCommandOptions {
  /** A connection after a 101, and bytes that were read already. */
  readonly socket: Duplex;
  readonly head?: Buffer;
  /** X-Stream-Protocol-Version of the 101. A server that sends none speaks v1, `channel.k8s.io`. */
  readonly protocol: string;
  readonly streams: RemoteCommandOptions;
  readonly clock: Clock;
  /** How often to send a PING, ms; client-go's value is 5 s. Default: never. */
  readonly pingIntervalMs?: number;
  /** How long each stream may wait for its SYN_REPLY, ms. Default 30 s. */
  readonly creationTimeoutMs?: number;
}

/** The whole text of the error stream, or `cut` when the connection ended or the stream was reset before its end. */
export type RemoteCommandEnd =
  | { readonly kind: 'status'; readonly result: RemoteCommandResult }
  | { readonly kind: 'cut'; readonly message: string };

export interface SpdyRemoteCommand {
  /** The input of the command. Ending it half-closes. */
  readonly stdin?: Writable;
  readonly stdout?: Readable;
  readonly stderr?: Readable;
  /** Resolves with the end of the command. Never rejects. Output may still be unread then. */
  readonly ended: Promise<RemoteCommandEnd>;
  /** Does nothing without a TTY. */
  resize(size: TerminalSize): void;
  /** Closes in order. Resolves when the socket is closed. Further calls do nothing. */
  close(): Promise<void>;
  destroy(): void;
}

/** The longest text of an error stream, bytes. The rest is dropped. */
const maxStatusBytes = 1024 * 1024;

/** Opens streams one by one, as client-go does. Rejects with `Timeout occurred`, `Stream reset`, …, and closes. */
export async function openSpdyRemoteCommand(options: SpdyRemoteCommandOptions): Promise<SpdyRemoteCommand> {
  const { socket, head, clock, pingIntervalMs, protocol } = options;
  const connection = new SpdyConnection({
    role: 'client',
    socket,
    clock,
    ...(head && { head }),
    ...(pingIntervalMs !== undefined && { pingIntervalMs }),
  });
  const streams = new Map<RemoteCommandStreamType, SpdyStream>();
  try {
    for (const type of remoteCommandStreamTypes(options.streams, protocol)) {
      streams.set(type, await connection.open([['streamtype', type]], options.creationTimeoutMs));
    }
  } catch (error) {
    connection.destroy();
    throw error;
  }
  return remoteCommand(connection, streams, hasStatusJson(protocol));
}

function remoteCommand(
  connection: SpdyConnection,
  streams: ReadonlyMap<RemoteCommandStreamType, SpdyStream>,
  asJson: boolean,
): SpdyRemoteCommand {
  const [stdin, stdout, stderr] = (['stdin', 'stdout', 'stderr'] as const).map((type) => streams.get(type));
  const resize = streams.get('resize');
  // A server's bytes on stdin have no meaning. They are read to see its end.
  stdin?.resume();
  resize?.resume();
  return {
    ...(stdin && { stdin }),
    ...(stdout && { stdout }),
    ...(stderr && { stderr }),
    ended: readErrorStream(streams.get('error'), asJson),
    resize: (size) => void resize?.write(encodeResize(size)),
    close: () => connection.close(),
    destroy: () => connection.destroy(),
  };
}

function readErrorStream(stream: SpdyStream | undefined, asJson: boolean): Promise<RemoteCommandEnd> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let size = 0;
    stream?.on('data', (part: Buffer) => {
      size += part.length;
      if (size <= maxStatusBytes) parts.push(part);
    });
    stream?.once('end', () => {
      const result = decodeErrorStream(Buffer.concat(parts).toString('utf8'), asJson);
      resolve({ kind: 'status', result });
    });
    stream?.once('error', (error) => resolve({ kind: 'cut', message: error.message }));
    stream?.once('close', () => resolve({ kind: 'cut', message: 'unexpected EOF' }));
  });
}
