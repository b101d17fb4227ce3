import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAuthority } from '../../../src/pki/authority.js';
import { connectThrough } from '../../../src/wire/carrier/connect-through.js';
import { TunnelConnection } from '../../../src/wire/carrier/tunnel-connection.js';
import { soon } from '../../support/waits.js';

let proxy: Server;
let accepted: Promise<Socket>;
let client: Socket;

beforeEach(async () => {
  proxy = createServer().listen(0, '127.0.0.1');
  accepted = soon((resolve) => proxy.once('connection', resolve), 'connection');
  await once(proxy, 'listening');
});
afterEach(async () => {
  client?.destroy();
  (await accepted).destroy();
  proxy.close();
});

const address = (): AddressInfo => proxy.address() as AddressInfo;

/** Asks the proxy, which sends these pieces, and then ends if it has to. */
async function ask(pieces: readonly string[], ends = false): Promise<void> {
  client = connect(address().port, '127.0.0.1');
  await once(client, 'connect');
  const asked = connectThrough(client, { target: 'server.example:8091', authorization: undefined });
  asked.catch(() => undefined);
  const peer = await accepted;
  const [head] = (await once(peer, 'data')) as [Buffer];
  expect(head.toString()).toMatch(
    /^CONNECT server\.example:8091 HTTP\/1\.1\r\nHost: server\.example:8091\r\n/,
  );
  for (const piece of pieces) peer.write(piece);
  if (ends) peer.end();
  await asked;
}

describe('a connection through an HTTP proxy', () => {
  it('has the bytes that came with the answer', async () => {
    await ask(['HTTP/1.1 200 OK\r\nVia: ', 'x\r\n\r\nearly', ' bytes']);
    let text = '';
    client.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await expect.poll(() => text).toBe('early bytes');
  });

  it.each([
    [['HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'], false, /response: "HTTP\/1\.1 407 Proxy/],
    [['HTTP/1.0 407 Proxy Auth\r\n\r\n'], false, /response: "HTTP\/1\.0 407 Proxy/],
    [['HTTP/1.1 200'], true, /^reading server HTTP response: unexpected EOF$/],
    [['nonsense\r\n\r\n'], false, /malformed HTTP response "nonsense"/],
    [[], true, /unexpected EOF/],
  ])('is refused after %j', async (pieces, ends, text) => {
    await expect(ask(pieces, ends)).rejects.toThrow(text);
  });

  it('ends with its user while the proxy says nothing', async () => {
    const { certPem: ca } = await createAuthority();
    const connection = new TunnelConnection({
      ...{ address: 'server.example:8091', tls: { ca } },
      proxy: { address: `127.0.0.1:${address().port}` },
    });
    const { packets } = connection.open('Connect', {});
    const peer = await accepted;
    await once(
      peer.on('error', () => undefined),
      'data',
    );
    const closed = soon((resolve) => peer.once('close', resolve), 'end of the connection');
    packets.cancel();
    connection.cut();
    await closed;
  });
});
