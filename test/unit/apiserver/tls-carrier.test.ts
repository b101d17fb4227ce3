import { type AddressInfo, connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { createKubeletConnector } from '../../../src/apiserver/kubelet/connector.js';
import { createRealClock } from '../../../src/core/clock.js';
import { TunnelError } from '../../../src/core/errors.js';
import { once, soon } from '../../support/waits.js';
import { type Credentials, closed, makeCredentials } from './fixture.js';

/** A connection like the tunnel's: a JavaScript stream that closes by itself as soon as the other side ends. */
class Connection extends Duplex {
  private readonly socket: Socket;

  constructor(socket: Socket) {
    super({ allowHalfOpen: false });
    this.socket = socket;
    this.on('error', () => undefined);
    socket.on('error', (error) => this.destroy(error));
    socket.on('data', (chunk) => this.push(chunk));
    socket.on('end', () => this.push(null));
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.socket.write(chunk, done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }
}

let credentials: Credentials;
let kubelet: Server;
let connection: Connection;
beforeAll(async () => {
  credentials = await makeCredentials();
});
beforeEach(async () => {
  const { serving } = credentials;
  kubelet = createServer({ cert: serving.certPem, key: serving.keyPem });
  await once(kubelet.listen(0, '127.0.0.1'), 'listening');
});
afterEach(() => soon<void>((resolve) => void kubelet.close(() => resolve()), 'end of the kubelet'));

/** Both ends of a TLS connection through the connector. */
async function handshake(): Promise<{ ours: TLSSocket; theirs: TLSSocket }> {
  const { kubeletClient } = credentials;
  const dialer = {
    dial: async (_host: string, port: number): Promise<Duplex> => {
      connection = new Connection(connect(port, '127.0.0.1'));
      return connection;
    },
  };
  const tls = { cert: kubeletClient.certPem, key: kubeletClient.keyPem };
  const connector = createKubeletConnector({ dialer, tls, clock: createRealClock() });
  const accepted = once(kubelet, 'secureConnection');
  const { port } = kubelet.address() as AddressInfo;
  const signal = new AbortController().signal;
  const ours = await connector.connect({ host: '127.0.0.1', port }, { request: 'r', signal });
  const [theirs] = (await accepted) as [TLSSocket];
  theirs.on('error', () => undefined);
  return { ours, theirs };
}

it('a late reader gets everything that a kubelet sent before it closed', async () => {
  const { ours, theirs } = await handshake();
  const gone = closed(connection);
  ours.pause();
  theirs.write('a'.repeat(5000));
  theirs.end('b'.repeat(5000));
  await gone;
  await new Promise((resolve) => setImmediate(resolve));
  expect(String(await buffer(ours))).toBe('a'.repeat(5000) + 'b'.repeat(5000));
});

it('a connection that breaks breaks TLS with its own error', async () => {
  const { ours } = await handshake();
  const broken = once(ours, 'error').catch((error: unknown) => [error]);
  connection.destroy(new TunnelError('TUNNEL_CLOSED', 'agent is gone'));
  expect(await broken).toMatchObject([{ code: 'TUNNEL_CLOSED', message: 'agent is gone' }]);
});

it('the end of TLS is the end of its connection', async () => {
  const { ours, theirs } = await handshake();
  const gone = [closed(connection), closed(theirs)];
  ours.destroy();
  await Promise.all(gone);
});
