import { randomBytes } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ConnectEndpoint } from '../../src/agent/options.js';
import { TunnelError } from '../../src/core/errors.js';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import type { ProxyServer } from '../../src/server/server.js';
import { deferred } from '../support/deferred.js';
import { startTcpBalancer } from '../support/tcp-balancer.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';
import { once } from '../support/waits.js';

let certificates: CertificateSet;
let bench: TunnelBench;

beforeAll(async () => {
  certificates = await createCertificateSet();
});

async function setUp(timeScale = 1): Promise<ProxyServer> {
  bench = await TunnelBench.create({ certificates, timeScale });
  return bench.server();
}

afterEach(() => bench.close());

/** An endpoint that neither accepts nor refuses. */
const silence: ConnectEndpoint = (_host, _port, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new TunnelError('DIAL_CANCELLED', 'given up')));
  });

/** Frontend streams that the server does not read at the moment. */
async function unreadFrontends(server: ProxyServer): Promise<number> {
  const response = await fetch(`http://${server.healthAddress}/metrics`, {
    headers: { connection: 'close' },
  });
  return Number(/full_receive_channels\{service_method="Proxy"\} (\d+)/.exec(await response.text())?.[1]);
}

describe('an endpoint that does not answer', () => {
  it('R14: fails the dial after the agent’s 5 s', async () => {
    const server = await setUp(50);
    await bench.connectedAgent(server, { connectEndpoint: silence, dialTimeoutMs: 5000 });
    const began = bench.clock.now();
    await expect(bench.client(server).dial(host, 9)).rejects.toMatchObject({
      code: 'DIAL_TIMEOUT',
      message: `dial tcp ${host}:9: i/o timeout`,
    });
    expect(bench.clock.now() - began).toBeGreaterThanOrEqual(4900);
  });

  it('R14: fails the dial at the server when the agent does not say so either', async () => {
    bench = await TunnelBench.create({ certificates, timeScale: 100 });
    const server = await bench.server({ backendDialTimeoutMs: 20_000 });
    await bench.connectedAgent(server, { connectEndpoint: silence });
    const dial = bench.client(server).dial(host, 9);
    await expect(dial).rejects.toMatchObject({
      code: 'DIAL_TIMEOUT',
      message: 'timed out waiting for backend dial',
    });
  });
});

describe('an agent that goes', () => {
  it('R11: in mid-stream breaks its connections with a reason', async () => {
    const server = await setUp();
    const agent = await bench.connectedAgent(server);
    const port = await bench.endpoint((socket) => {
      socket.on('data', () => socket.write(randomBytes(1000)));
    });
    const stream = await bench.client(server).dial(host, port);
    stream.write('x');
    await once(stream, 'data');
    const broken = once(stream, 'error');
    await agent.stop();
    expect(await broken).toMatchObject([{ code: 'TUNNEL_CLOSED', message: 'agent connection lost' }]);
  });

  it('R11: in mid-dial fails the dial at once', async () => {
    const server = await setUp();
    const agent = await bench.connectedAgent(server, { connectEndpoint: silence });
    const dial = bench.client(server).dial(host, 9);
    const failed = expect(dial).rejects.toMatchObject({
      code: 'TUNNEL_CLOSED',
      message: 'agent connection lost',
    });
    await bench.waitFor({ kind: 'endpoint.dialing' });
    await agent.stop();
    await failed;
  });

  it('R21: slowly, by draining, keeps what runs, and new dials go to others', async () => {
    const server = await setUp();
    const leaving = await bench.connectedAgent(server, { name: 'leaving' });
    const port = await bench.echo();
    const stream = await bench.client(server).dial(host, port);
    await bench.connectedAgent(server, { name: 'staying' });
    leaving.drain();
    await bench.waitFor({ kind: 'backend.draining' });
    const since = bench.journal.mark();
    await bench.checkPath(server);
    const dialling = await bench.waitFor({ kind: 'endpoint.dialing' }, since);
    expect(dialling.node).toBe('agent/staying');
    stream.write('still here');
    expect(String((await once(stream, 'data'))[0])).toBe('still here');
    stream.destroy();
  });

  it('takes the sockets of its endpoints with it', async () => {
    const server = await setUp();
    const agent = await bench.connectedAgent(server);
    let open = 0;
    const port = await bench.endpoint((socket) => {
      open += 1;
      socket.on('end', () => (open -= 1));
      socket.resume();
    });
    const client = bench.client(server);
    await Promise.all([client.dial(host, port), client.dial(host, port)]);
    await expect.poll(() => open).toBe(2);
    await agent.stop();
    expect(agent.snapshot().endpoints).toBe(0);
    await expect.poll(() => open).toBe(0);
  });
});

describe('an endpoint that does not end', () => {
  it('holds up neither its connection nor the stop of its agent', async () => {
    const server = await setUp();
    const agent = await bench.connectedAgent(server);
    const gone = deferred();
    const port = await bench.endpoint((socket) => {
      // Half-closed for good by us, and it goes on talking.
      const talk = setInterval(() => socket.write('x'), 5);
      socket.on('close', () => {
        clearInterval(talk);
        gone.resolve();
      });
      socket.resume();
    });
    const stream = await bench.client(server).dial(host, port);
    stream.end();
    stream.resume();
    await bench.waitFor({ kind: 'endpoint.closed' });
    const began = performance.now();
    await agent.stop();
    await gone.promise;
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it('is dropped 10 s after its connection', async () => {
    const server = await setUp(20);
    await bench.connectedAgent(server);
    const gone = deferred();
    const port = await bench.endpoint((socket) => {
      const talk = setInterval(() => socket.write('x'), 5);
      socket.on('close', () => {
        clearInterval(talk);
        gone.resolve();
      });
      socket.resume();
    });
    const stream = await bench.client(server).dial(host, port);
    stream.end();
    stream.resume();
    const began = bench.clock.now();
    await gone.promise;
    expect(bench.clock.now() - began).toBeGreaterThan(9000);
  });
});

describe('an endpoint that does not read', () => {
  it('R19: is dropped, and its agent serves others again', async () => {
    const server = await setUp(20);
    await bench.connectedAgent(server);
    const port = await bench.endpoint((socket) => void socket.pause());
    const stream = await bench.client(server).dial(host, port);
    const broken = once(stream, 'error');
    stream.write(Buffer.alloc(32 << 20));
    expect(await broken).toMatchObject([{ code: 'TUNNEL_CLOSED', message: 'the endpoint does not read' }]);
    await bench.checkPath(server);
  });

  it('R19: is dropped too when its client has gone already, which the agent cannot hear', async () => {
    // The client has to go while the endpoint is still waited for.
    const server = await setUp(5);
    await bench.connectedAgent(server);
    const port = await bench.endpoint((socket) => void socket.pause());
    const stream = await bench.client(server).dial(host, port);
    stream.write(Buffer.alloc(32 << 20));
    await expect.poll(() => unreadFrontends(server)).toBe(1);
    stream.destroy();
    await bench.waitFor({ kind: 'endpoint.closed' });
    await bench.checkPath(server);
  });
});

describe('a server that goes', () => {
  it('and comes back has its agent again, without help', async () => {
    const first = await setUp(20);
    await bench.connectedAgent(first);
    const port = Number(first.agentAddress.split(':')[1]);
    await first.stop();
    await bench.waitFor({ kind: 'agent.disconnected' });
    const retry = await bench.waitFor({ kind: 'agent.retry' });
    expect(retry.error).toBe(`dial tcp ${first.agentAddress}: connect: connection refused`);
    const since = bench.journal.mark();
    const agents = { kind: 'tcp', host, port, tls: bench.tls('server') } as const;
    const second = await bench.server({ name: 's1', agents });
    await bench.waitFor({ kind: 'agent.connected' }, since);
    await bench.checkPath(second);
  });

  it('and comes back is dialled again by the same client', async () => {
    const first = await setUp(20);
    await bench.connectedAgent(first);
    const client = bench.client(first);
    await expect(client.dial(host, 1)).rejects.toThrow('refused');
    const port = Number(first.agentAddress.split(':')[1]);
    await first.stop();
    await expect(client.dial(host, 1)).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
    const since = bench.journal.mark();
    await bench.server({ name: 's1', agents: { kind: 'tcp', host, port, tls: bench.tls('server') } });
    await bench.waitFor({ kind: 'agent.connected' }, since);
    await expect(client.dial(host, 1)).rejects.toThrow('refused');
  });

  it('takes the endpoints of its connections with it', async () => {
    const server = await setUp();
    await bench.connectedAgent(server);
    const gone = deferred();
    const port = await bench.endpoint((socket) => {
      socket.on('end', gone.resolve);
      socket.resume();
    });
    await bench.client(server).dial(host, port);
    await server.stop();
    await gone.promise;
    await bench.waitFor({ kind: 'endpoint.closed' });
  });

  it('breaks the connections of its clients', async () => {
    const server = await setUp();
    await bench.connectedAgent(server);
    const stream = await bench.client(server).dial(host, await bench.echo());
    const broken = once(stream, 'error');
    await server.stop();
    expect(await broken).toMatchObject([{ code: 'TUNNEL_CLOSED' }]);
    await expect(bench.client(server).dial(host, 1)).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
  });

  it('which hung up at once is not asked again without a pause', async () => {
    const server = await setUp();
    const balancer = await startTcpBalancer([server.agentAddress]);
    const agent = bench.agent(balancer.address);
    await agent.start();
    await bench.waitFor({ kind: 'agent.connected' });
    await balancer.close();
    const lost = await bench.waitFor({ kind: 'agent.disconnected' });
    const tried = await bench.waitFor({ kind: 'agent.connecting' }, lost.seq);
    expect(tried.t - lost.t).toBeGreaterThan(900);
  });
});

describe('several servers behind one address', () => {
  it('R23: are all found by an agent that is told their number, and its connect IDs are unique over them', async () => {
    bench = await TunnelBench.create({ certificates, timeScale: 20 });
    const servers = [await bench.server({ serverCount: 2 }), await bench.server({ serverCount: 2 })];
    const balancer = await startTcpBalancer(servers.map(({ agentAddress }) => agentAddress));
    bench.onClose(() => balancer.close());
    const agent = bench.agent(balancer.address);
    await agent.start();
    await bench.waitFor({ kind: 'agent.connected', peer: 'server/s2' });
    expect(agent.snapshot()).toMatchObject({ servers: ['s1', 's2'], wantedServers: 2 });
    for (const server of servers) await bench.checkPath(server);
    const dialled = bench.journal.events().filter(({ kind }) => kind === 'endpoint.dialing');
    expect(dialled.map(({ connectId }) => connectId)).toEqual(['1', '2']);
  });

  it('of one server ID are one server, and the second connection is given back', async () => {
    bench = await TunnelBench.create({ certificates, timeScale: 20 });
    const same = { serverId: 'same', serverCount: 2 };
    const servers = [await bench.server({ name: 'x', ...same }), await bench.server({ name: 'y', ...same })];
    const balancer = await startTcpBalancer(servers.map(({ agentAddress }) => agentAddress));
    bench.onClose(() => balancer.close());
    const agent = bench.agent(balancer.address);
    await agent.start();
    const retry = await bench.waitFor({ kind: 'agent.retry' });
    expect(retry).toMatchObject({ error: 'duplicate server: same' });
    expect(retry.delayMs).toBeGreaterThanOrEqual(1000);
    expect(agent.snapshot().servers).toEqual(['same']);
    await bench.waitFor({ kind: 'backend.disconnected' });
  });
});
