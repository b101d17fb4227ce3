import { Metadata, status } from '@grpc/grpc-js';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import { StockCall, type StockServerCall, startStockServer } from '../support/stock-peers.js';
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

/** The largest number that a dial or connection ID can be. */
const largest = (2n ** 63n - 1n).toString();

describe('a stock frontend', () => {
  async function frontend(): Promise<StockCall> {
    const server = await bench.server();
    await bench.connectedAgent(server);
    const [unix = ''] = server.frontendAddresses;
    const call = new StockCall('Proxy', { address: unix });
    bench.onClose(() => call.close());
    return call;
  }

  it('dials, sends and receives, closes, and gets the status OK', async () => {
    const { call, received, status: ended } = await frontend();
    const address = `${host}:${await bench.echo()}`;
    call.write({ type: 'DIAL_REQ', dialRequest: { protocol: 'tcp', address, random: largest } });
    await expect.poll(() => received).toHaveLength(1);
    expect(received[0]).toMatchObject({ type: 'DIAL_RSP', dialResponse: { random: largest } });
    const connectID = received[0]?.dialResponse?.connectID ?? '';
    for (let sent = 0; sent < 100; sent += 1) {
      call.write({ type: 'DATA', data: { connectID, data: Buffer.alloc(10_000, sent) } });
    }
    const gotBytes = (): number => received.reduce((sum, { data }) => sum + (data?.data?.length ?? 0), 0);
    await expect.poll(gotBytes).toBe(1_000_000);
    call.write({ type: 'CLOSE_REQ', closeRequest: { connectID } });
    await expect
      .poll(() => received.at(-1))
      .toMatchObject({ type: 'CLOSE_RSP', closeResponse: { connectID } });
    call.end();
    expect(await ended).toMatchObject({ code: status.OK });
  });

  it('with a deadline gets its status when the time is over', async () => {
    const server = await bench.server();
    const [unix = ''] = server.frontendAddresses;
    const call = new StockCall('Proxy', { address: unix }, { 'grpc-timeout': '50m' });
    bench.onClose(() => call.close());
    expect(await call.status).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    await expect.poll(() => server.snapshot().frontends).toBe(0);
  });

  it('that asks for a method of agents is told in the words of a Go server', async () => {
    const server = await bench.server();
    const [unix = ''] = server.frontendAddresses;
    const call = new StockCall('Connect', { address: unix });
    bench.onClose(() => call.close());
    expect(await call.status).toMatchObject({
      code: status.UNIMPLEMENTED,
      details: 'unknown service AgentService',
    });
  });
});

describe('a stock agent', () => {
  it('is told who the server is, gets dials, and carries bytes', async () => {
    const server = await bench.server();
    const to = { address: server.agentAddress, tls: bench.tls('agent') };
    const agent = new StockCall('Connect', to, { agentid: 'stock' });
    bench.onClose(() => agent.close());
    const announced = await agent.metadata;
    expect([announced.get('serverid'), announced.get('servercount')]).toEqual([['s1'], ['1']]);
    agent.call.on('data', ({ dialRequest, data, closeRequest }) => {
      const { random } = dialRequest ?? {};
      if (random !== undefined) {
        agent.call.write({ type: 'DIAL_RSP', dialResponse: { random, connectID: largest } });
      } else if (data) agent.call.write({ type: 'DATA', data: { connectID: largest, data: data.data } });
      else if (closeRequest) agent.call.write({ type: 'CLOSE_RSP', closeResponse: { connectID: largest } });
    });
    const stream = await bench.client(server).dial(host, 1);
    stream.write('through a stock agent');
    expect(String((await once(stream, 'data'))[0])).toBe('through a stock agent');
    stream.destroy();
    await expect.poll(() => server.snapshot()).toMatchObject({ frontends: 0, established: 0 });
  });
});

function announcement(): Metadata {
  const metadata = new Metadata();
  metadata.set('serverid', 'stock');
  metadata.set('servercount', '1');
  return metadata;
}

/** A server without rules of its own: what one side sends, the other side gets. */
function joining(): { Connect: (call: StockServerCall) => void; Proxy: (call: StockServerCall) => void } {
  let agent: StockServerCall | undefined;
  let frontend: StockServerCall | undefined;
  const Connect = (call: StockServerCall): void => {
    agent = call;
    call.sendMetadata(announcement());
    call.on('data', (packet) => frontend?.write(packet));
  };
  const Proxy = (call: StockServerCall): void => {
    frontend = call;
    call.on('data', (packet) => agent?.write(packet));
    call.on('end', () => call.end());
  };
  return { Connect, Proxy };
}

describe('our agent and our client', () => {
  it('meet through a stock server', async () => {
    const tls = bench.tls('server');
    const stock = await startStockServer(joining(), tls);
    bench.onClose(() => stock.close());
    const since = bench.journal.mark();
    const agent = bench.agent(stock.address, { keepaliveTimeMs: 50 });
    await agent.start();
    await bench.waitFor({ kind: 'agent.connected' }, since);
    const server = await bench.server();
    const client = bench.client(server, { address: stock.address, tls: bench.tls('agent') });
    const stream = await client.dial(host, await bench.echo());
    const sent = Buffer.alloc(300_000, 'x');
    stream.write(sent);
    let gotBytes = 0;
    stream.on('data', (chunk: Buffer) => (gotBytes += chunk.length));
    await expect.poll(() => gotBytes).toBe(sent.length);
    stream.destroy();
  });

  it('say what status a stock server ends the call with, at once or later', async () => {
    const calls: StockServerCall[] = [];
    const stock = await startStockServer({ Connect: (call) => void calls.push(call) }, bench.tls('server'));
    bench.onClose(() => stock.close());
    const since = bench.journal.mark();
    await bench.agent(stock.address, { sync: { intervalMs: 10, capMs: 10 } }).start();
    const fault = { code: status.UNAVAILABLE, details: 'naptime, 5 % done: ü' };
    await expect.poll(() => calls).toHaveLength(1);
    calls[0]?.emit('error', fault);
    expect((await bench.waitFor({ kind: 'agent.retry' }, since)).error).toBe(fault.details);
    await expect.poll(() => calls).toHaveLength(2);
    calls[1]?.sendMetadata(announcement());
    await bench.waitFor({ kind: 'agent.connected' }, since);
    calls[1]?.emit('error', fault);
    expect((await bench.waitFor({ kind: 'agent.disconnected' }, since)).error).toBe(fault.details);
  });
});
