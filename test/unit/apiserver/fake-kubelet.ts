import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { once } from '../../support/waits.js';
import type { Credentials } from './fixture.js';

export type KubeletHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** A kubelet of node-1 on a free port, with `dnsName` in its certificate. */
export async function startKubelet(
  { ca }: Credentials,
  dnsName: string,
  answer: KubeletHandler,
): Promise<Server> {
  const pair = await ca.issue({
    commonName: 'system:node:node-1',
    dnsNames: [dnsName],
    usages: ['server'],
    loopbackNames: false,
  });
  const tls = { cert: pair.certPem, key: pair.keyPem, ca: ca.certPem, requestCert: true };
  const server = createServer(tls, (request, response) => {
    response.on('error', () => undefined);
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
