import type { Socket } from 'node:net';
import { createRealClock } from '../../../../src/core/clock.js';
import { SpdyConnection } from '../../../../src/streams/spdy/connection.js';
import type { SpdyConnectionOptions } from '../../../../src/streams/spdy/connection-options.js';
import type { SpdyStream } from '../../../../src/streams/spdy/stream.js';
import { soon } from '../../../support/waits.js';
import { dial, startTcpServer } from './upgrade-server.js';

type Overrides = Partial<SpdyConnectionOptions>;

export interface SpdyPair {
  readonly client: SpdyConnection;
  readonly server: SpdyConnection;
  /** The client's and the server's end of the TCP connection. */
  readonly clientSocket: Socket;
  readonly serverSocket: Socket;
  /** The next stream that the client opened. */
  accepted(): Promise<SpdyStream>;
  close(): Promise<void>;
}

/** Two connections over loopback TCP. The server replies to every stream unless `onStream` is given. */
export async function startSpdyPair(
  overrides: { readonly client?: Overrides; readonly server?: Overrides } = {},
): Promise<SpdyPair> {
  const clock = createRealClock();
  const streams = queue<SpdyStream>();
  const raw = queue<Socket>();
  const listener = await startTcpServer((socket) => raw.add(socket));
  const clientSocket = await dial(listener.port);
  const serverSocket = await raw.next();
  const onStream = (stream: SpdyStream): void => {
    stream.reply();
    streams.add(stream);
  };
  const server = new SpdyConnection({
    role: 'server',
    socket: serverSocket,
    clock,
    onStream,
    ...overrides.server,
  });
  const client = new SpdyConnection({ role: 'client', socket: clientSocket, clock, ...overrides.client });
  const close = async (): Promise<void> => {
    client.destroy();
    server.destroy();
    await listener.close();
  };
  return { client, server, clientSocket, serverSocket, accepted: streams.next, close };
}

/** The server's side alone, against a bare socket that says whatever a test wants. */
export async function startSpdyServer(
  overrides: Overrides = {},
): Promise<{ readonly server: SpdyConnection; readonly peer: Socket; readonly close: () => Promise<void> }> {
  const raw = queue<Socket>();
  const listener = await startTcpServer((socket) => raw.add(socket));
  const peer = await dial(listener.port);
  const socket = await raw.next();
  const onStream = (stream: SpdyStream): void => stream.reply();
  const server = new SpdyConnection({
    role: 'server',
    socket,
    clock: createRealClock(),
    onStream,
    ...overrides,
  });
  const close = async (): Promise<void> => {
    peer.destroy();
    server.destroy();
    await listener.close();
  };
  return { server, peer, close };
}

/** Gives items to callers that ask for them, now or later. */
export function queue<Item>(): { add: (item: Item) => void; next: () => Promise<Item> } {
  const items: Item[] = [];
  const waiting: ((item: Item) => void)[] = [];
  const add = (item: Item): void => {
    const taker = waiting.shift();
    if (taker === undefined) items.push(item);
    else taker(item);
  };
  const next = (): Promise<Item> => {
    const item = items.shift();
    return item === undefined ? soon((resolve) => waiting.push(resolve), 'next item') : Promise.resolve(item);
  };
  return { add, next };
}
