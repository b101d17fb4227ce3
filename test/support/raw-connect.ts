import { connect as connectTcp, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { ProxyServerOptions } from '../../src/server/options.js';
import type { ProxyServer } from '../../src/server/server.js';
import {
  HttpConnectClient,
  type HttpConnectClientSettings,
} from '../../src/wire/client/http-connect-client.js';
import type { TlsFiles } from '../../src/wire/net/tls.js';
import { host, type TunnelBench } from './tunnel-bench.js';
import { once } from './waits.js';

export const established = 'HTTP/1.1 200 Connection Established\r\n\r\n';

/** A server whose Unix socket and TCP port speak HTTP CONNECT. */
export function connectServer(
  bench: TunnelBench,
  over: Partial<ProxyServerOptions> = {},
): Promise<ProxyServer> {
  return bench.server({
    frontends: [
      { kind: 'unix', path: join(bench.folder, 'connect.sock'), protocol: 'http-connect' },
      { kind: 'tcp', host, port: 0, tls: bench.tls('server-frontend'), protocol: 'http-connect' },
    ],
    ...over,
  });
}

/** A dialer through the server's Unix socket, or its TCP port. */
export function connectClient(
  bench: TunnelBench,
  server: ProxyServer,
  over: Partial<HttpConnectClientSettings> & { tcp?: boolean } = {},
): HttpConnectClient {
  const { tcp = false, ...settings } = over;
  const [unixAddress = '', tcpAddress = ''] = server.frontendAddresses;
  const client = new HttpConnectClient({
    address: tcp ? tcpAddress : unixAddress,
    ...(tcp ? { tls: bench.tls('frontend-client') } : {}),
    clock: bench.clock,
    emit: () => undefined,
    name: 'client/test',
    serverName: `server/${server.serverId}`,
    ...settings,
  });
  bench.onClose(() => client.close());
  return client;
}

/** What the server's `/metrics` says. */
export async function metrics(server: ProxyServer): Promise<string> {
  const response = await fetch(`http://${server.healthAddress}/metrics`, {
    headers: { connection: 'close' },
  });
  return response.text();
}

/** The lines of the packet counter, from their labels on. */
export const packets = (text: string): string[] =>
  [...text.matchAll(/stream_packets_total\{(.*)/g)].map((match) => match[1] ?? '');

/** A client that writes the bytes it is told to and keeps all that come: no HTTP library between test and wire. */
export class RawConnect {
  readonly socket: Socket;
  private text = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1');
    });
  }

  /** Opens a connection to a frontend address. */
  static async open(bench: TunnelBench, address: string, tls?: TlsFiles): Promise<RawConnect> {
    const port = Number(address.split(':').at(-1));
    const options = { allowHalfOpen: true };
    const socket = address.startsWith('unix://')
      ? connectTcp({ path: address.slice('unix://'.length), ...options })
      : connectTls({ host, port, ...(tls ?? bench.tls('frontend-client')), ...options });
    const raw = new RawConnect(socket);
    bench.onClose(async () => void socket.destroy());
    await once(socket, address.startsWith('unix://') ? 'connect' : 'secureConnect');
    return raw;
  }

  get received(): string {
    return this.text;
  }

  write(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Asks for a tunnel, with `more` right behind the head. */
  connect(address: string, more = ''): void {
    this.write(`CONNECT ${address} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n${more}`);
  }

  /** All that came, once it is at least `length` bytes. */
  async read(length: number): Promise<string> {
    while (this.text.length < length) await once(this.socket, 'data');
    return this.text;
  }

  /** All that came until the server ended its direction; then ends ours, and waits for the end of both. */
  async readToEnd(): Promise<string> {
    if (!this.socket.readableEnded) await once(this.socket, 'end');
    this.socket.end();
    if (!this.socket.closed) await once(this.socket, 'close');
    return this.text;
  }
}
