import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type UpgradeAnswer, upgradeHttp } from '../../../../src/streams/http-upgrade.js';
import type { Upgrade } from '../../../../src/streams/types.js';
import { once } from '../../../support/waits.js';

export interface TestServer {
  readonly port: number;
  /** Sockets of all clients so far. */
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

/** An HTTP server on loopback that hands every upgrade over. */
export async function startUpgradeServer(onUpgrade: (upgrade: Upgrade) => void): Promise<TestServer> {
  const server = createServer((_request, response) => response.writeHead(404).end('not an upgrade'));
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    onUpgrade({ request, socket, head }),
  );
  return listen(server);
}

/** A TCP server on loopback; half-closes are left to the handler. */
export function startTcpServer(onConnection: (socket: Socket) => void): Promise<TestServer> {
  return listen(
    createTcpServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      onConnection(socket);
    }),
  );
}

async function listen(server: ReturnType<typeof createTcpServer>): Promise<TestServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    server.close();
    if (server.listening) await once(server, 'close');
  };
  return { port, sockets, close };
}

/** A TCP connection to a port on loopback. */
export async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

export interface SpdyUpgradeOptions {
  readonly protocols?: readonly string[];
  readonly method?: string;
  readonly path?: string;
  readonly headers?: readonly string[];
}

/** Sends a SPDY upgrade as kubectl does, one header line for each protocol. */
export async function requestSpdy(port: number, options: SpdyUpgradeOptions = {}): Promise<UpgradeAnswer> {
  const { protocols = ['v4.channel.k8s.io'], method = 'POST', path = '/', headers = [] } = options;
  return upgradeHttp(await dial(port), {
    method,
    path,
    headers: [
      ...['Host', '127.0.0.1', 'Connection', 'Upgrade', 'Upgrade', 'SPDY/3.1', 'Content-Length', '0'],
      ...protocols.flatMap((protocol) => ['X-Stream-Protocol-Version', protocol]),
      ...headers,
    ],
  });
}

/** As `requestSpdy`, for an upgrade that has to be granted. */
export async function upgradeToSpdy(
  port: number,
  options: SpdyUpgradeOptions = {},
): Promise<Extract<UpgradeAnswer, { kind: 'upgraded' }>> {
  const answer = await requestSpdy(port, options);
  if (answer.kind !== 'upgraded') throw new Error(`refused: ${answer.status} ${answer.body.toString()}`);
  return answer;
}
