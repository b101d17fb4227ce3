import { randomBytes } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import type { ProxyServer } from '../../src/server/server.js';
import { echoed, sha256 } from '../support/duplex.js';
import { carryLate } from '../support/late-link.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';
import { once } from '../support/waits.js';

let certificates: CertificateSet;
let bench: TunnelBench;
let server: ProxyServer;

beforeAll(async () => {
  certificates = await createCertificateSet();
});

beforeEach(async () => {
  bench = await TunnelBench.create({ certificates });
  server = await bench.server();
});

afterEach(() => bench.close());

/** The agents' door behind a link of this delay each way. */
async function farAway(oneWayMs: number): Promise<string> {
  const toPort = Number(server.agentAddress.split(':').at(-1));
  const sockets = new Set<Socket>();
  const link = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    carryLate(socket, { toPort, oneWayMs });
  });
  link.listen(0, host);
  await once(link, 'listening');
  bench.onClose(async () => {
    for (const socket of sockets) socket.destroy();
    link.close();
  });
  const address = link.address();
  return `${host}:${typeof address === 'object' ? address?.port : ''}`;
}

/** Both directions have wide windows; that an end reads on while its writes wait is tested in eager-socket.test.ts. */
describe.each([0, 5])('full-duplex bulk over a link of %i ms each way', (oneWayMs) => {
  beforeEach(async () => {
    const address = oneWayMs === 0 ? server.agentAddress : await farAway(oneWayMs);
    await bench.connectedAgent(server, { server: address });
  });

  it('of 64 MiB is complete on one connection', async () => {
    const stream = await bench.client(server).dial(host, await bench.echo());
    const payload = randomBytes(64 << 20);
    expect(await echoed(stream, payload)).toBe(sha256(payload));
  }, 60_000);

  it('of 64 MiB is complete on a hundred connections', async () => {
    const port = await bench.echo();
    const client = bench.client(server);
    const payload = randomBytes((64 << 20) / 100);
    const digests = await Promise.all(
      Array.from({ length: 100 }, async () => echoed(await client.dial(host, port), payload)),
    );
    expect(new Set(digests)).toEqual(new Set([sha256(payload)]));
  }, 60_000);

  it('goes on beside a reader that rests, which is held back', async () => {
    const client = bench.client(server);
    const port = await bench.echo();
    const resting = await client.dial(host, port);
    const payload = randomBytes(3 << 20);
    resting.write(payload);
    const stream = await client.dial(host, port);
    expect(await echoed(stream, payload)).toBe(sha256(payload));
    expect(resting.readableLength).toBeLessThan(payload.length);
    let received = 0;
    resting.on('data', (chunk: Buffer) => (received += chunk.length));
    await expect.poll(() => received).toBe(payload.length);
    resting.destroy();
  }, 60_000);
});
