import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { rename, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ConnectEndpoint } from '../../src/agent/options.js';
import { TunnelError } from '../../src/core/errors.js';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import type { ProxyServer } from '../../src/server/server.js';
import { startTcpBalancer } from '../support/tcp-balancer.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';

let certificates: CertificateSet;
let strangers: CertificateSet;
let bench: TunnelBench;

beforeAll(async () => {
  [certificates, strangers] = await Promise.all([createCertificateSet(), createCertificateSet()]);
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

/** One echo through the tunnel. */
async function checkPath(server: ProxyServer): Promise<void> {
  const stream = await bench.client(server).dial(host, await bench.echo());
  stream.write('ping');
  const [answer] = (await once(stream, 'data')) as [Buffer];
  expect(answer.toString()).toBe('ping');
  stream.destroy();
}

describe('an endpoint that does not answer', () => {
  it('R14: fails the dial after the agent’s 5 s', async () => {
    const server = await setUp(50);
    await bench.connectedAgent(server, { connectEndpoint: silence });
    const began = bench.clock.now();
    await expect(bench.client(server).dial(host, 9)).rejects.toMatchObject({
      code: 'DIAL_TIMEOUT',
      message: `dial tcp ${host}:9: i/o timeout`,
    });
    expect(bench.clock.now() - began).toBeGreaterThanOrEqual(4900);
  });

  it('R14: fails the dial at the server when the agent does not say so either', async () => {
    const server = await setUp(100);
    await bench.connectedAgent(server, { connectEndpoint: silence, dialTimeoutMs: 1e6 });
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
    await bench.journal.waitFor({ kind: 'endpoint.dialing' });
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
    await bench.journal.waitFor({ kind: 'backend.draining' });
    const since = bench.journal.mark();
    await checkPath(server);
    const dialling = await bench.journal.waitFor({ kind: 'endpoint.dialing' }, { since });
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

describe('a server that goes', () => {
  it('and comes back has its agent again, without help', async () => {
    const first = await setUp(20);
    await bench.connectedAgent(first);
    const port = Number(first.agentAddress.split(':')[1]);
    await first.stop();
    await bench.journal.waitFor({ kind: 'agent.disconnected' });
    const retry = await bench.journal.waitFor({ kind: 'agent.retry' });
    expect(retry.error).toBe(`connect ECONNREFUSED ${first.agentAddress}`);
    const since = bench.journal.mark();
    const agents = { kind: 'tcp', host, port, tls: bench.tls('server') } as const;
    const second = await bench.server({ name: 's1', agents });
    await bench.journal.waitFor({ kind: 'agent.connected' }, { since });
    await checkPath(second);
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
    await bench.journal.waitFor({ kind: 'agent.connected' });
    await balancer.close();
    const lost = await bench.journal.waitFor({ kind: 'agent.disconnected' });
    const tried = await bench.journal.waitFor({ kind: 'agent.connecting' }, { since: lost.seq });
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
    await bench.journal.waitFor({ kind: 'agent.connected', peer: 'server/s2' });
    expect(agent.snapshot()).toMatchObject({ servers: ['s1', 's2'], wantedServers: 2 });
    for (const server of servers) await checkPath(server);
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
    const retry = await bench.journal.waitFor({ kind: 'agent.retry' });
    expect(retry).toMatchObject({ error: 'duplicate server: same' });
    expect(retry.delayMs).toBeGreaterThanOrEqual(1000);
    expect(agent.snapshot().servers).toEqual(['same']);
    await bench.journal.waitFor({ kind: 'backend.disconnected' });
  });
});

describe('distrust', () => {
  const agentWith = async (
    server: ProxyServer,
    over: Parameters<TunnelBench['agent']>[1],
  ): Promise<string> => {
    await bench.agent(server.agentAddress, over).start();
    return (await bench.journal.waitFor({ kind: 'agent.retry' })).error ?? '';
  };

  it('of an agent towards the server is one readable line', async () => {
    const server = await setUp();
    const tls = { ...bench.tls('agent'), ca: strangers.ca.certPem };
    expect(await agentWith(server, { tls })).toMatch(/^[^\n]*certificate[^\n]*$/);
    expect(server.snapshot().backends).toBe(0);
  });

  it('of a server towards the agent is one readable line', async () => {
    const server = await setUp();
    const tls = { ...bench.tls('agent', strangers), ca: certificates.ca.certPem };
    expect(await agentWith(server, { tls })).toMatch(/trust each other/);
    expect(server.snapshot().backends).toBe(0);
  });

  it('of a server whose certificate bears another name says which', async () => {
    const server = await setUp();
    expect(await agentWith(server, { serverName: 'elsewhere' })).toMatch(
      /^Hostname\/IP does not match.*elsewhere/,
    );
  });

  it.each(['here', 'there'] as const)(
    'of a frontend, the stranger being %s, rejects its dial',
    async (side) => {
      const server = await setUp();
      const ours = bench.tls('frontend-client', side === 'here' ? certificates : strangers);
      const tls = { ...ours, ca: (side === 'here' ? strangers : certificates).ca.certPem };
      const client = bench.client(server, { tcp: true, tls });
      await expect(client.dial(host, 1)).rejects.toMatchObject({ code: 'TLS_REJECTED' });
      await expect(client.dial(host, 1)).rejects.toMatchObject({ code: 'TLS_REJECTED' });
    },
  );

  it('in PEM that is none is found before anything starts', async () => {
    bench = await TunnelBench.create({ certificates });
    const tls = { ...bench.tls('server'), key: 'no key' };
    const agents = { kind: 'tcp', host, port: 0, tls } as const;
    await expect(bench.server({ agents })).rejects.toMatchObject({
      code: 'CERT_INVALID',
      where: 'server/s1',
    });
    const server = await bench.server();
    const client = bench.client(server, { tcp: true, tls });
    await expect(client.dial(host, 1)).rejects.toMatchObject({ code: 'CERT_INVALID' });
  });
});

describe('bytes that are none of ours', () => {
  const garbage: readonly [string, Buffer][] = [
    ['plaintext HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['random bytes', randomBytes(4096)],
    [
      'an HTTP/2 preface and nonsense',
      Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), randomBytes(64)]),
    ],
    ['nothing', Buffer.alloc(0)],
  ];

  it.each(garbage)('%s on every port harm nobody', async (_name, bytes) => {
    const server = await setUp();
    await bench.connectedAgent(server);
    const [unixAddress = '', tcpAddress = ''] = server.frontendAddresses;
    const ports = [tcpAddress, server.agentAddress, server.healthAddress].map((at) =>
      Number(at.split(':')[1]),
    );
    const targets = [...ports.map((port) => ({ port, host })), { path: unixAddress.replace('unix://', '') }];
    for (const target of targets) {
      const socket = connect(target);
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.end(bytes);
      socket.resume();
    }
    await checkPath(server);
    expect(server.snapshot().backends).toBe(1);
  });

  it('in a connection that only waits do not keep the server from stopping', async () => {
    const server = await setUp();
    const waiting = [server.agentAddress, server.frontendAddresses[1] ?? ''].map((address) => {
      const socket = connect(Number(address.split(':')[1]), host);
      socket.on('error', () => undefined);
      return socket;
    });
    await Promise.all(waiting.map((socket) => once(socket, 'connect')));
    const closed = Promise.all(waiting.map((socket) => once(socket, 'close')));
    await server.stop();
    await closed;
  });
});

describe('an address that is taken', () => {
  it.each(['agents', 'health'] as const)(
    'fails the start of a server (%s), which then holds nothing',
    async (which) => {
      bench = await TunnelBench.create({ certificates });
      const blocker = createServer().listen(0, host);
      await once(blocker, 'listening');
      bench.onClose(async () => void blocker.close());
      const { port } = blocker.address() as { port: number };
      const agents = { kind: 'tcp', host, port, tls: bench.tls('server') } as const;
      const start = bench.server(which === 'agents' ? { agents } : { health: { host, port } });
      await expect(start).rejects.toMatchObject({
        code: 'ADDRESS_IN_USE',
        where: expect.stringContaining('server'),
      });
    },
  );

  it('as a Unix socket by a living server is left to it', async () => {
    const living = await setUp();
    const path = living.frontendAddresses[0]?.replace('unix://', '') ?? '';
    const start = bench.server({ frontends: [{ kind: 'unix', path }] });
    await expect(start).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
    await bench.connectedAgent(living);
    await checkPath(living);
  });

  it('as a Unix socket by nobody any more is taken over, and only its owner may use it', async () => {
    bench = await TunnelBench.create({ certificates });
    const path = join(bench.folder, 'left-over.sock');
    const crashed = createServer().listen(`${path}.new`);
    await once(crashed, 'listening');
    await rename(`${path}.new`, path);
    crashed.close();
    const server = await bench.server({ frontends: [{ kind: 'unix', path }] });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await bench.connectedAgent(server);
    await checkPath(server);
    await server.stop();
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  it('by a file that is no socket is not deleted', async () => {
    bench = await TunnelBench.create({ certificates });
    const path = join(bench.folder, 'notes.txt');
    await writeFile(path, 'precious');
    const start = bench.server({ frontends: [{ kind: 'unix', path }] });
    await expect(start).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
    expect((await stat(path)).size).toBe(8);
  });

  it('by no folder is an error about a file', async () => {
    bench = await TunnelBench.create({ certificates });
    const start = bench.server({ frontends: [{ kind: 'unix', path: join(bench.folder, 'none', 'x.sock') }] });
    await expect(start).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
  });
});
