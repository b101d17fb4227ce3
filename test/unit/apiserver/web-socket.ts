import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { once, soon } from '../../support/waits.js';
import { queue } from '../streams/support/spdy-pair.js';
import { type CallOptions, requestOptions, type TestApi } from './fixture.js';

export interface Opened {
  readonly ws: WebSocket;
  /** The next message: a text as `string`, a binary one as `Buffer`. */
  next(): Promise<string | Buffer>;
  /** The close code. */
  readonly closed: Promise<number>;
}

export interface SocketWish extends CallOptions {
  readonly protocols?: readonly string[];
  /** Default: that of a browser page. `''`: none. */
  readonly origin?: string;
}

function dial(test: TestApi, path: string, wish: SocketWish): WebSocket {
  const { protocols = [], origin = 'https://console.example' } = wish;
  const { host, port, ca, cert, key, headers } = requestOptions(test, path, wish);
  const url = `wss://${String(host)}:${String(port)}${path}`;
  const options = { ca, cert, key, headers, perMessageDeflate: false } as WebSocket.ClientOptions;
  const ws = new WebSocket(url, [...protocols], { ...options, ...(origin === '' ? {} : { origin }) });
  ws.on('error', () => undefined);
  return ws;
}

export async function openSocket(test: TestApi, path: string, wish: SocketWish = {}): Promise<Opened> {
  const ws = dial(test, path, wish);
  const messages = queue<string | Buffer>();
  ws.on('message', (data: Buffer, isBinary) => messages.add(isBinary ? data : data.toString()));
  const closed = soon<number>((resolve) => void ws.once('close', resolve), 'end of the WebSocket');
  closed.catch(() => undefined);
  await soon<void>((resolve, reject) => {
    ws.once('open', resolve);
    ws.once('error', reject);
  }, 'open WebSocket');
  return { ws, next: messages.next, closed };
}

/** The answer to a handshake that is refused. */
export async function refusedSocket(
  test: TestApi,
  path: string,
  wish: SocketWish = {},
): Promise<{ readonly status: number; readonly text: string }> {
  const ws = dial(test, path, wish);
  const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
  const text = (await response.toArray()).join('');
  ws.terminate();
  return { status: response.statusCode ?? 0, text };
}
