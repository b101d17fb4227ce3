import type { Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ConnectEndpoint } from '../../src/agent/options.js';
import { TunnelError } from '../../src/core/errors.js';
import type { FaithfulName } from '../../src/core/faithful.js';
import { connectId, dialFailure, dialId, dialSuccess } from '../../src/core/packet.js';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import type { ProxyServer } from '../../src/server/server.js';
import { deferred } from '../support/deferred.js';
import { RawCall } from '../support/raw-call.js';
import { connectServer, established, RawConnect } from '../support/raw-connect.js';
import { startTcpBalancer } from '../support/tcp-balancer.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';

let certificates: CertificateSet;
let bench: TunnelBench;

beforeAll(async () => {
  certificates = await createCertificateSet();
});

async function setUp(faithful: readonly FaithfulName[]): Promise<ProxyServer> {
  bench = await TunnelBench.create({ certificates });
  return connectServer(bench, { faithful });
}

afterEach(() => bench.close());

const open = (server: ProxyServer): Promise<RawConnect> =>
  RawConnect.open(bench, server.frontendAddresses[0] ?? '');

describe('connect-200-before-dial', () => {
  const refused: ConnectEndpoint = () => Promise.reject(new TunnelError('DIAL_FAILED', 'connection refused'));

  it.each([
    [
      ['connect-200-before-dial'],
      'HTTP/1.1 200 OK\r\n\r\nHTTP/0.0 503 Service Unavailable\r\n\r\nconnection refused',
    ],
    [
      [],
      'HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nconnection refused',
    ],
  ] as const)('%j: a dial that an agent could not make ends in %j', async (faithful, bytes) => {
    const server = await setUp(faithful);
    await bench.connectedAgent(server, { connectEndpoint: refused });
    const client = await open(server);
    client.connect('10.0.0.9:1');
    expect(await client.readToEnd()).toBe(bytes);
  });

  it.each([
    [['connect-200-before-dial'], /^HTTP\/1\.1 200 OK\r\n\r\n$/],
    [[], /^HTTP\/1\.1 500 [^]*No agent available$/],
  ] as const)('%j: without an agent the answer is %s', async (faithful, bytes) => {
    const client = await open(await setUp(faithful));
    client.connect('10.0.0.9:1');
    expect(await client.readToEnd()).toMatch(bytes);
  });

  it('carries bytes both ways once the dial is made', async () => {
    const server = await setUp(['connect-200-before-dial']);
    await bench.connectedAgent(server);
    const client = await open(server);
    client.connect(`${host}:${await bench.echo()}`, 'early');
    expect(await client.read('HTTP/1.1 200 OK\r\n\r\nearly'.length)).toBe('HTTP/1.1 200 OK\r\n\r\nearly');
    client.socket.end();
    await client.readToEnd();
  });
});

/** A CONNECT whose dial a silent agent has. */
async function dialling(server: ProxyServer) {
  const address = server.agentAddress;
  const agent = new RawCall({
    ...{ address, path: '/AgentService/Connect', tls: bench.tls('agent'), metadata: [['agentid', 'raw']] },
  });
  bench.onClose(() => agent.close());
  await bench.waitFor({ kind: 'backend.connected' });
  const client = await open(server);
  client.connect('10.0.0.9:1', 'early');
  await expect.poll(() => agent.received[0]).toMatch(/^DIAL_REQ/);
  return { agent, client, dial: dialId(BigInt(agent.received[0]?.split(' ')[1] ?? 0)) };
}

describe('hangup-noticed-after-dial', () => {
  it('keeps the dial of a CONNECT client that hung up until the agent answers', async () => {
    const server = await setUp(['hangup-noticed-after-dial']);
    const { agent, client, dial } = await dialling(server);
    client.socket.destroy();
    // Whatever the hang-up caused is over when a later request has gone all the way.
    const probe = await open(server);
    probe.connect('10.0.0.9:2');
    await expect.poll(() => agent.received.length).toBe(2);
    expect(server.snapshot()).toMatchObject({ frontends: 2, pendingDials: 2 });
    agent.send(dialFailure(dial, 'too late'));
    await expect.poll(() => server.snapshot()).toMatchObject({ frontends: 1, pendingDials: 1 });
    probe.socket.destroy();
  });

  it('loses nothing that the client sent before the answer', async () => {
    const server = await setUp(['hangup-noticed-after-dial']);
    const { agent, client, dial } = await dialling(server);
    agent.send(dialSuccess(dial, connectId(1n)));
    expect(await client.read(established.length)).toBe(established);
    await expect.poll(() => agent.received).toContain('DATA 1 early');
    client.socket.destroy();
  });

  it('without it the dial is given up at once', async () => {
    const server = await setUp([]);
    const { agent, client } = await dialling(server);
    client.socket.destroy();
    await expect.poll(() => server.snapshot()).toMatchObject({ frontends: 0, pendingDials: 0 });
    await expect.poll(() => agent.received.at(-1)).toMatch(/^DIAL_CLS/);
  });
});

describe('head-of-line-blocking', () => {
  /** A client that never reads what its endpoint sends; resolves when its socket is full as far as the kernel goes. */
  async function sleeper(server: ProxyServer): Promise<void> {
    const sending = deferred<Socket>();
    const port = await bench.endpoint((socket) => {
      socket.write(Buffer.alloc(3 << 20));
      sending.resolve(socket);
    });
    const client = await open(server);
    client.socket.pause();
    client.connect(`${host}:${port}`);
    await sending.promise;
  }

  const paused = async (server: ProxyServer): Promise<number> => {
    const text = await (
      await fetch(`http://${server.healthAddress}/metrics`, { headers: { connection: 'close' } })
    ).text();
    return Number(/konnsim_server_stream_pauses_total\{source="Connect"\} (\d+)/.exec(text)?.[1]);
  };

  it('stops every connection of the agent for one client that does not read', async () => {
    const server = await setUp(['head-of-line-blocking']);
    await bench.connectedAgent(server);
    await sleeper(server);
    await expect.poll(() => paused(server)).toBe(1);
    const client = await open(server);
    client.connect(`${host}:${await bench.echo()}`, 'hi');
    // Its dial reaches the agent, whose answer is not read.
    await bench.waitFor({ kind: 'endpoint.connected' }, bench.journal.mark());
    await paused(server);
    expect(client.received).toBe('');
    expect(server.snapshot()).toMatchObject({ pendingDials: 1 });
  });

  it('without it the others do not notice', async () => {
    const server = await setUp([]);
    await bench.connectedAgent(server);
    await sleeper(server);
    const client = await open(server);
    client.connect(`${host}:${await bench.echo()}`, 'hi');
    expect(await client.read(established.length + 2)).toBe(`${established}hi`);
    expect(await paused(server)).toBe(0);
  });
});

/** One agent behind a balancer, with two servers to find. */
async function twoServers(faithful: readonly FaithfulName[], intervalMs = 1500) {
  bench = await TunnelBench.create({ certificates });
  const servers = [await bench.server({ serverCount: 2 }), await bench.server({ serverCount: 2 })];
  const balancer = await startTcpBalancer(servers.map(({ agentAddress }) => agentAddress));
  bench.onClose(() => balancer.close());
  const agent = bench.agent(balancer.address, { faithful, sync: { intervalMs, capMs: intervalMs } });
  await agent.start();
  const first = await bench.waitFor({ kind: 'agent.connected' });
  const second = await bench.waitFor({ kind: 'agent.connecting' }, first.seq);
  for (const { serverId } of servers)
    await bench.waitFor({ kind: 'agent.connected', peer: `server/${serverId}` });
  return { servers, waitedMs: second.t - first.t };
}

describe('connect-ids-per-server', () => {
  it.each([
    [['connect-ids-per-server'], ['1', '1']],
    [[], ['1', '2']],
  ] as const)('%j: the first connections over two servers have the IDs %j', async (faithful, ids) => {
    const { servers } = await twoServers(faithful);
    const port = await bench.echo();
    const seen: (string | undefined)[] = [];
    for (const server of servers) {
      const since = bench.journal.mark();
      const stream = await bench.client(server).dial(host, port);
      seen.push((await bench.waitFor({ kind: 'endpoint.connected' }, since)).connectId);
      stream.destroy();
    }
    expect(seen).toEqual(ids);
  });
});

describe('sync-waits-interval', () => {
  it('waits a whole interval before it looks for the next server', async () => {
    expect((await twoServers(['sync-waits-interval'])).waitedMs).toBeGreaterThanOrEqual(1490);
  });

  it('without it looks at once', async () => {
    expect((await twoServers([], 3_600_000)).waitedMs).toBeLessThan(10_000);
  });
});
