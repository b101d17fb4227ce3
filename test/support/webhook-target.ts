import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { KeyPair } from '../../src/pki/key-pair.js';
import { deferred } from './deferred.js';
import { once } from './waits.js';

/** What a webhook does with its calls; `end` and `reset` do that to the newest connection. */
export type Deed = 'answer' | 'silence' | 'end' | 'reset' | 'close header';

/** A webhook that allows everything, and whose connections can be watched and broken. */
export interface WebhookTarget {
  readonly port: number;
  readonly server: Server;
  /** The TCP connections that it has accepted, in order. */
  readonly sockets: readonly Socket[];
  /** How many calls have come in. */
  calls: number;
  deed: Deed;
  close(): Promise<void>;
}

export async function startWebhookTarget({ certPem: cert, keyPem: key }: KeyPair): Promise<WebhookTarget> {
  const server = createServer({ cert, key, keepAliveTimeout: 0 });
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => undefined);
    sockets.push(socket);
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    const { promise, resolve } = deferred<void>();
    server.close(() => resolve());
    server.closeAllConnections();
    await promise;
  };
  const { port } = server.address() as AddressInfo;
  const target: WebhookTarget = { port, server, sockets, calls: 0, deed: 'answer', close };
  server.on('request', (request, response) => {
    void request.toArray().then((chunks: Buffer[]) => {
      target.calls++;
      const { uid } = (JSON.parse(chunks.join('')) as { request: { uid: string } }).request;
      if (target.deed === 'silence') return;
      if (target.deed === 'end') return void sockets.at(-1)?.destroy();
      if (target.deed === 'reset') return void sockets.at(-1)?.resetAndDestroy();
      if (target.deed === 'close header') response.setHeader('connection', 'close');
      const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' };
      response.end(JSON.stringify({ ...review, response: { uid, allowed: true } }));
    });
  });
  return target;
}
