import { createServer, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { TlsFiles } from '../../src/wire/net/tls.js';
import { once } from './waits.js';

/** A proxy of HTTP that adds a client certificate, as `kubectl proxy` does. */
export interface HttpProxy {
  readonly url: string;
  /** False makes it drop the header `Upgrade`, as a proxy that does not know it. Default true. */
  passesUpgrades: boolean;
  close(): Promise<void>;
}

export async function startHttpProxy(target: string, tls: TlsFiles): Promise<HttpProxy> {
  const sockets = new Set<Duplex>();
  const ask = ({ method, url = '/', headers }: IncomingMessage): ReturnType<typeof httpsRequest> =>
    httpsRequest(target + url, { ...tls, method, headers, agent: false });
  const server = createServer((message, response) => {
    const asked = ask(message).on('error', () => response.destroy());
    asked.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    message.pipe(asked);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (message: IncomingMessage, client: Duplex, head: Buffer) => {
    if (!proxy.passesUpgrades) {
      delete message.headers.upgrade;
      delete message.headers.connection;
    }
    const asked = ask(message).on('error', () => client.destroy());
    asked.once('response', (answer) => {
      void text(answer).then((body) => client.end(headOf(answer) + body));
    });
    asked.once('upgrade', (answer, far: Duplex, farHead: Buffer) => {
      sockets.add(far);
      far.on('error', () => client.destroy());
      client.write(headOf(answer));
      client.write(farHead);
      far.write(head);
      client.pipe(far).pipe(client);
    });
    asked.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const proxy: HttpProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passesUpgrades: true,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  return proxy;
}

/** The first lines of an answer whose body is sent whole. */
function headOf({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.toLowerCase() !== 'transfer-encoding') lines.push(`${name}: ${rawHeaders[at + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}
