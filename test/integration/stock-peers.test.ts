import type { Duplex } from 'node:stream';
import { Metadata, status } from '@grpc/grpc-js';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import { echoed, sha256 } from '../support/duplex.js';
import {
  StockCall,
  type StockPacket,
  type StockServerCall,
  startStockServer,
} from '../support/stock-peers.js';
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

/** What was under way at a stock end: its fields, and all packets. */
interface Seen {
  readonly fields: readonly string[];
  readonly packets: readonly StockPacket[];
}

function expectNothingNew({ fields, packets }: Seen): void {
  expect(fields.filter((field) => field.startsWith('x-knp'))).toEqual([]);
  const isNew = ({ type, windowUpdate, held, dialRequest, dialResponse }: StockPacket): boolean =>
    type === 'WINDOW_UPDATE' ||
    type === 'HELD' ||
    windowUpdate !== undefined ||
    held !== undefined ||
    dialRequest?.initWindow !== undefined ||
    dialResponse?.initWindow !== undefined;
  expect(packets.filter(isNew)).toEqual([]);
}

/** More than two windows, so that credit would have to come. */
const much = Buffer.alloc(3 << 20, 'm');

async function exchange(stream: Duplex): Promise<void> {
  expect(await echoed(stream, much)).toBe(sha256(much));
}

describe('R27: flow control is not seen', () => {
  it('by a stock frontend of ideal parts', async () => {
    const server = await bench.server();
    await bench.connectedAgent(server, { as: 'ideal' });
    const [unix = ''] = server.frontendAddresses;
    const stock = new StockCall('Proxy', { address: unix });
    const { call, received, metadata } = stock;
    bench.onClose(() => stock.close());
    const address = `${host}:${await bench.echo()}`;
    call.write({ type: 'DIAL_REQ', dialRequest: { protocol: 'tcp', address, random: '1' } });
    await expect.poll(() => received).toHaveLength(1);
    const connectID = received[0]?.dialResponse?.connectID ?? '';
    for (let at = 0; at < much.length; at += 1 << 16) {
      call.write({ type: 'DATA', data: { connectID, data: much.subarray(at, at + (1 << 16)) } });
    }
    const gotBytes = (): number => received.reduce((sum, { data }) => sum + (data?.data?.length ?? 0), 0);
    await expect.poll(gotBytes).toBe(much.length);
    expectNothingNew({ fields: Object.keys((await metadata).getMap()), packets: received });
  });

  it('by a stock agent of an ideal server whose client offers it', async () => {
    const server = await bench.server();
    const to = { address: server.agentAddress, tls: bench.tls('agent') };
    const agent = new StockCall('Connect', to, { agentid: 'stock' });
    bench.onClose(() => agent.close());
    agent.call.on('data', ({ dialRequest, data, closeRequest }) => {
      const { random } = dialRequest ?? {};
      if (random !== undefined)
        agent.call.write({ type: 'DIAL_RSP', dialResponse: { random, connectID: 1 } });
      else if (data) agent.call.write({ type: 'DATA', data: { connectID: 1, data: data.data } });
      else if (closeRequest) agent.call.write({ type: 'CLOSE_RSP', closeResponse: { connectID: 1 } });
    });
    const fields = Object.keys((await agent.metadata).getMap());
    await exchange(await bench.client(server, { flowControl: true }).dial(host, 1));
    expectNothingNew({ fields, packets: agent.received });
  });

  it.each([
    ['offered by nobody to a stock server, when the parts are the default ones', 'real'],
    ['of no use through a stock server', 'ideal'],
  ] as const)('%s', async (_name, as) => {
    const calls: StockServerCall[] = [];
    const packets: StockPacket[] = [];
    const { Connect, Proxy } = joining();
    const seen = (serve: typeof Connect) => (call: StockServerCall) => {
      calls.push(call);
      call.on('data', (packet: StockPacket) => packets.push(packet));
      serve(call);
    };
    const stock = await startStockServer({ Connect: seen(Connect), Proxy: seen(Proxy) }, bench.tls('server'));
    bench.onClose(() => stock.close());
    const since = bench.journal.mark();
    await bench.agent(stock.address, { as }).start();
    await bench.waitFor({ kind: 'agent.connected' }, since);
    const client = bench.client(await bench.server(), {
      address: stock.address,
      tls: bench.tls('agent'),
      flowControl: as === 'ideal',
    });
    await exchange(await client.dial(host, await bench.echo()));
    const offers = calls.map(({ metadata }) => metadata.get('x-knp-ext'));
    expect(offers).toEqual(as === 'ideal' ? [['fc1,ids1'], ['fc1']] : [[], []]);
    expect(packets.filter(({ type }) => type === 'WINDOW_UPDATE' || type === 'HELD')).toEqual([]);
    if (as === 'real') expectNothingNew({ fields: [], packets });
  });

  it.each(['real', 'ideal'] as const)('by one that offers it, unless the server is ideal: %s', async (as) => {
    const server = await bench.server({ as });
    const [unix = ''] = server.frontendAddresses;
    const call = new StockCall('Proxy', { address: unix }, { 'x-knp-ext': 'mux1, fc1' });
    bench.onClose(() => call.close());
    expect((await call.metadata).get('x-knp-ext')).toEqual(as === 'ideal' ? ['fc1'] : []);
  });
});
