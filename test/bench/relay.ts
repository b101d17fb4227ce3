import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { connect as connectTls, createServer as createTlsServer, type SecureContextOptions } from 'node:tls';
import { host, listen } from './sockets.js';
import { serve } from './worker.js';

/** Carries each connection on to a port of loopback, with TLS on one of its sides or none. */
export interface RelaySetup {
  readonly toPort: number;
  readonly tls?: SecureContextOptions & { readonly side: 'accept' | 'connect' };
}

function dial({ toPort, tls }: RelaySetup): Duplex {
  if (tls?.side === 'connect') return connectTls({ ...tls, port: toPort, host });
  return connect({ port: toPort, host, noDelay: true });
}

function carry(from: Duplex, setup: RelaySetup): void {
  const to = dial(setup);
  if ('setNoDelay' in from) (from as Socket).setNoDelay(true);
  if ('setNoDelay' in to) (to as Socket).setNoDelay(true);
  pipeline(from, to, from).catch(() => undefined);
}

function createRelay(setup: RelaySetup): Server {
  const { tls } = setup;
  if (tls?.side !== 'accept') return createServer((socket) => carry(socket, setup));
  const options = { ...tls, requestCert: true, rejectUnauthorized: true };
  const server = createTlsServer(options, (socket) => carry(socket, setup));
  server.on('tlsClientError', () => undefined);
  return server;
}

serve(async (setup: RelaySetup) => ({
  hello: await listen(createRelay(setup), host),
  handle: async () => undefined,
}));
