import { createServer } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';
import { once } from '../support/waits.js';

let certificates: CertificateSet;
let bench: TunnelBench;

beforeAll(async () => {
  certificates = await createCertificateSet();
});

beforeEach(async () => {
  bench = await TunnelBench.create({ certificates });
});

afterEach(() => bench.close());

async function get(address: string | undefined, path: string): Promise<{ status: number; body: string }> {
  const response = await fetch(`http://${address}${path}`, { headers: { connection: 'close' } });
  return { status: response.status, body: await response.text() };
}

/** The value of one line of `/metrics`; undefined when there is no such line. */
async function metric(address: string | undefined, line: string): Promise<number | undefined> {
  const { body } = await get(address, '/metrics');
  const found = body.split('\n').find((text) => text.startsWith(`konnectivity_network_proxy_${line} `));
  return found === undefined ? undefined : Number(found.split(' ').at(-1));
}

describe('the health of a server', () => {
  it('is not ready until an agent is there, nor when it has gone', async () => {
    const { healthAddress, agentAddress } = await bench.server({ strategies: ['default'] });
    const notReady = { status: 500, body: 'no connection to any proxy agent' };
    expect(await get(healthAddress, '/readyz')).toEqual(notReady);
    expect(await get(healthAddress, '/healthz')).toEqual({ status: 200, body: 'ok' });
    const agent = bench.agent(agentAddress);
    await agent.start();
    await bench.waitFor({ kind: 'backend.connected' });
    expect(await get(healthAddress, '/readyz')).toEqual({ status: 200, body: 'ok' });
    expect(await metric(healthAddress, 'server_ready_backends{proxy_strategy="default"}')).toBe(1);
    await agent.stop();
    await bench.waitFor({ kind: 'backend.disconnected' });
    expect(await get(healthAddress, '/readyz')).toEqual(notReady);
    expect(await metric(healthAddress, 'server_ready_backends{proxy_strategy="default"}')).toBe(0);
    expect(await metric(healthAddress, 'server_ready_backend_connections')).toBe(0);
  });

  it('counts dials, connections, streams and packets', async () => {
    const server = await bench.server();
    const { healthAddress: at } = server;
    const client = bench.client(server);
    await expect(client.dial(host, 1)).rejects.toThrow('No agent available');
    expect(await metric(at, 'server_dial_failure_count{reason="no_agent"}')).toBe(1);
    await bench.connectedAgent(server);
    await expect(client.dial(host, 1)).rejects.toThrow('refused');
    expect(await metric(at, 'server_dial_failure_count{reason="error_response"}')).toBe(1);
    const stream = await client.dial(host, await bench.echo());
    stream.write('x');
    await once(stream, 'data');
    expect(await metric(at, 'server_established_connections')).toBe(1);
    expect(await metric(at, 'server_pending_backend_dials')).toBe(0);
    expect(await metric(at, 'server_dial_duration_seconds_count')).toBe(1);
    expect(await metric(at, 'server_grpc_connections{service_method="Connect"}')).toBe(1);
    expect(await metric(at, 'server_grpc_connections{service_method="Proxy"}')).toBe(1);
    for (const segment of ['from_client', 'to_agent', 'from_agent', 'to_client']) {
      const line = `server_stream_packets_total{packet_type="DATA",segment="${segment}"}`;
      expect(await metric(at, line)).toBe(1);
    }
    expect(await metric(at, 'server_frontend_write_duration_seconds_count')).toBeGreaterThanOrEqual(2);
    stream.end();
    await once(stream, 'close');
    await expect.poll(() => metric(at, 'server_grpc_connections{service_method="Proxy"}')).toBe(0);
    expect(await metric(at, 'server_established_connections')).toBe(0);
    expect(await metric(at, 'server_connection_duration_seconds_count')).toBe(1);
  });

  it('counts streams that broke, and streams that are held back', async () => {
    const server = await bench.server();
    const agent = await bench.connectedAgent(server);
    const { healthAddress: at } = server;
    const port = await bench.endpoint((socket) => void socket.write(Buffer.alloc(32 << 20)));
    const stream = await bench.client(server).dial(host, port);
    stream.pause();
    const held = (): Promise<number | undefined> =>
      metric(at, 'server_full_receive_channels{service_method="Connect"}');
    await expect.poll(held).toBe(1);
    stream.destroy();
    await expect.poll(held).toBe(0);
    await agent.stop();
    await bench.waitFor({ kind: 'backend.disconnected' });
    const broken = 'server_stream_errors_total{code="Canceled",packet_type="Unknown",segment="from_agent"}';
    expect(await metric(at, broken)).toBe(1);
    expect(await held()).toBe(0);
  });
});

describe('the health of an agent', () => {
  it('is not ready without a server, with one, and when it has gone again', async () => {
    const server = await bench.server();
    const agent = await bench.connectedAgent(server);
    const { healthAddress: at } = agent;
    expect(await get(at, '/readyz')).toEqual({ status: 200, body: 'ok' });
    const verbose = await get(at, '/readyz?verbose');
    expect(verbose.body).toBe('[+]ping ok\n[+]server-connected ok\ncheck passed\n');
    expect(await metric(at, 'agent_open_server_connections')).toBe(1);
    expect(await metric(at, 'agent_known_server_count')).toBe(1);
    await server.stop();
    await bench.waitFor({ kind: 'agent.disconnected' });
    const notReady = await get(at, '/readyz');
    expect(notReady.status).toBe(503);
    expect(notReady.body).toContain('[-]server-connected failed: no servers connected');
    expect(await get(at, '/healthz')).toEqual({ status: 200, body: 'ok' });
    expect(await metric(at, 'agent_open_server_connections')).toBe(0);
    const broken = 'agent_stream_errors_total{code="Unavailable",packet_type="Unknown",segment="to_agent"}';
    expect(await metric(at, broken)).toBeGreaterThanOrEqual(1);
  });

  it('counts its endpoints', async () => {
    const server = await bench.server();
    const { healthAddress: at } = await bench.connectedAgent(server);
    const client = bench.client(server);
    await expect(client.dial(host, 1)).rejects.toThrow('refused');
    expect(await metric(at, 'agent_endpoint_dial_failure_total{reason="unknown"}')).toBe(1);
    const stream = await client.dial(host, await bench.echo());
    expect(await metric(at, 'agent_open_endpoint_connections')).toBe(1);
    expect(await metric(at, 'agent_dial_duration_seconds_count')).toBe(1);
    stream.end();
    await bench.waitFor({ kind: 'endpoint.closed' });
    expect(await metric(at, 'agent_open_endpoint_connections')).toBe(0);
  });

  it('on a port that is taken rejects the start, and nothing runs', async () => {
    const blocker = createServer().listen(0, host);
    await once(blocker, 'listening');
    bench.onClose(async () => void blocker.close());
    const { port } = blocker.address() as { port: number };
    const server = await bench.server();
    const agent = bench.agent(server.agentAddress, { health: { host, port } });
    await expect(agent.start()).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
    expect(agent.healthAddress).toBeUndefined();
    expect(bench.journal.events().some(({ kind }) => kind === 'agent.connecting')).toBe(false);
  });

  it('stopped while it starts leaves nothing', async () => {
    const server = await bench.server();
    const agent = bench.agent(server.agentAddress);
    const started = agent.start();
    await Promise.all([started, agent.stop(), agent.stop()]);
    await agent.start();
    expect(bench.journal.events().some(({ kind }) => kind === 'agent.connecting')).toBe(false);
  });
});
