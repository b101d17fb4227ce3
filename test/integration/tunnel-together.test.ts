import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import type { ProxyServer } from '../../src/server/server.js';
import { connectServer, established, metrics, RawConnect } from '../support/raw-connect.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';
import { once } from '../support/waits.js';

const mib = 1024 * 1024;
const clients = 8;

let certificates: CertificateSet;
let bench: TunnelBench;

beforeAll(async () => {
  certificates = await createCertificateSet();
});

afterEach(() => bench.close());

async function setUp(timeScale: number): Promise<ProxyServer> {
  bench = await TunnelBench.create({ certificates, timeScale });
  const server = await connectServer(bench);
  await bench.connectedAgent(server);
  return server;
}

/**
 * Clients that do not read yet, with a MiB on its way to each: less than the limit of one, but more than the limit of
 * all together.
 */
async function downloads(server: ProxyServer): Promise<readonly RawConnect[]> {
  const port = await bench.endpoint((socket) => void socket.end(Buffer.alloc(mib, 'x')));
  const opened: RawConnect[] = [];
  for (let count = 0; count < clients; count += 1) {
    const client = await RawConnect.open(bench, server.frontendAddresses[0] ?? '');
    client.connect(`${host}:${port}`);
    await client.read(established.length);
    client.socket.pause();
    opened.push(client);
  }
  return opened;
}

const pauses = async (server: ProxyServer): Promise<number> =>
  Number(/konnsim_server_stream_pauses_total\{source="Connect"\} (\d+)/.exec(await metrics(server))?.[1]);

describe('R22: what waits for all frontends of a server together', () => {
  it('has the bound of one: their agent is not read on, and nothing is lost', async () => {
    // Slow, but fast enough that no client counts as resting.
    const server = await setUp(0.01);
    const opened = await downloads(server);
    await expect.poll(() => pauses(server)).toBeGreaterThan(0);
    for (const { socket } of opened) socket.resume();
    for (const client of opened) {
      const text = await client.readToEnd();
      expect(text.length).toBe(established.length + mib);
    }
  });

  it('leaves no trace in the metrics of an agent that goes meanwhile', async () => {
    const server = await setUp(0.01);
    const opened = await downloads(server);
    await expect.poll(() => pauses(server)).toBeGreaterThan(0);
    await bench.agents[0]?.stop();
    await expect.poll(() => server.snapshot().backends).toBe(0);
    for (const { socket } of opened) socket.resume();
    for (const client of opened) await client.readToEnd();
    expect(await metrics(server)).toMatch(/full_receive_channels\{service_method="Connect"\} 0$/m);
  });

  it('does not count for those that rest: others are served', async () => {
    const server = await setUp(1);
    const opened = await downloads(server);
    const awake = await RawConnect.open(bench, server.frontendAddresses[0] ?? '');
    awake.connect(`${host}:${await bench.echo()}`, 'hi');
    expect(await awake.read(established.length + 2)).toBe(`${established}hi`);
    for (const { socket } of opened) {
      socket.destroy();
      await once(socket, 'close');
    }
  });
});
