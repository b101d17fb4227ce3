import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RawCall } from '../support/raw-call.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';
import { once } from '../support/waits.js';

let bench: TunnelBench;
beforeEach(async () => {
  bench = await TunnelBench.create();
});
afterEach(() => bench.close());

/** A GOAWAY frame's length and type. */
const goAway = Buffer.from('00000807', 'hex');

describe('a proxy-server that finishes', () => {
  it('takes no call on a connection whose handshake ends only then', async () => {
    const server = await bench.server();
    const [unixAddress = '', tcpAddress = ''] = server.frontendAddresses;
    const open = new RawCall({ address: unixAddress, path: '/ProxyService/Proxy' });
    await open.metadata;
    const raw = connectTcp(Number(tcpAddress.split(':')[1]), host);
    bench.onClose(async () => void raw.destroy());
    await once(raw, 'connect');
    // The server has accepted it when a later connection is served.
    const later = new RawCall({
      address: tcpAddress,
      path: '/ProxyService/Proxy',
      tls: bench.tls('frontend-client'),
    });
    await later.metadata;
    await later.close();
    const finished = server.finish(0);
    const secured = connectTls({
      ...bench.tls('frontend-client'),
      socket: raw,
      ALPNProtocols: ['h2'],
      checkServerIdentity: () => undefined,
    });
    secured.on('error', () => undefined);
    const received: Buffer[] = [];
    secured.on('data', (chunk: Buffer) => received.push(chunk));
    await once(secured, 'secureConnect');
    secured.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    // An empty SETTINGS frame.
    secured.write(Buffer.from('000000040000000000', 'hex'));
    await once(secured, 'close');
    expect(Buffer.concat(received).includes(goAway)).toBe(true);
    await open.close();
    await finished;
  });

  it('may be told so twice, and be stopped meanwhile', async () => {
    const server = await bench.server();
    const [address = ''] = server.frontendAddresses;
    const open = new RawCall({ address, path: '/ProxyService/Proxy' });
    await open.metadata;
    const both = [server.finish(0), server.finish(60_000)];
    await server.stop();
    await Promise.all(both);
    expect((await open.status).code).not.toBe(0);
    await open.close();
  });
});
