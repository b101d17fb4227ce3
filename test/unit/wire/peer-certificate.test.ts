import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { afterEach, expect, it } from 'vitest';
import { createCertificateSet } from '../../../src/pki/certificate-set.js';
import { acceptedCertificate } from '../../../src/wire/net/peer-certificate.js';
import { once } from '../../support/waits.js';

let server: Server;
afterEach(() => void server.close());

interface Seen {
  readonly resumed: boolean;
  readonly authorized: boolean;
  readonly name: unknown;
}

it('a resumed session without a certificate has none, although Node calls it authorized', async () => {
  const { ca, leaves } = await createCertificateSet();
  const { certPem: cert, keyPem: key } = leaves.server;
  const seen: Seen[] = [];
  const own = { cert, key, ca: ca.certPem, requestCert: true, rejectUnauthorized: false };
  server = createServer(own, (socket: TLSSocket) => {
    socket.on('error', () => undefined);
    const name = acceptedCertificate(socket)?.subject.CN;
    seen.push({ resumed: socket.isSessionReused(), authorized: socket.authorized, name });
    socket.end('bye');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const visit = async (session?: Buffer): Promise<Buffer | undefined> => {
    let given: Buffer | undefined;
    const socket = connect({ host: '127.0.0.1', port, ca: ca.certPem, session, rejectUnauthorized: false });
    socket.on('session', (next: Buffer) => {
      given = next;
    });
    await once(socket.resume(), 'close');
    return given;
  };
  await visit(await visit());
  expect(seen).toEqual([
    { resumed: false, authorized: false, name: undefined },
    { resumed: true, authorized: true, name: undefined },
  ]);
});
