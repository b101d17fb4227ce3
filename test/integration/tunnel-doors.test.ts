import { randomBytes } from 'node:crypto';
import { rename, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import type { ProxyServer } from '../../src/server/server.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';
import { once } from '../support/waits.js';

let certificates: CertificateSet;
let strangers: CertificateSet;
let bench: TunnelBench;

beforeAll(async () => {
  [certificates, strangers] = await Promise.all([createCertificateSet(), createCertificateSet()]);
});

async function setUp(): Promise<ProxyServer> {
  bench = await TunnelBench.create({ certificates });
  return bench.server();
}

afterEach(() => bench.close());

describe('distrust', () => {
  const agentWith = async (
    server: ProxyServer,
    over: Parameters<TunnelBench['agent']>[1],
  ): Promise<string> => {
    await bench.agent(server.agentAddress, over).start();
    return (await bench.waitFor({ kind: 'agent.retry' })).error ?? '';
  };

  it('of an agent towards the server is one readable line', async () => {
    const server = await setUp();
    const tls = { ...bench.tls('agent'), ca: bench.tls('agent', strangers).ca };
    expect(await agentWith(server, { tls })).toMatch(/^[^\n]*certificate[^\n]*$/);
    expect(server.snapshot().backends).toBe(0);
  });

  it('of a server towards the agent is one readable line', async () => {
    const server = await setUp();
    const tls = { ...bench.tls('agent', strangers), ca: bench.tls('agent').ca };
    expect(await agentWith(server, { tls })).toMatch(/trust each other/);
    expect(server.snapshot().backends).toBe(0);
    const refusal = await bench.waitFor({ kind: 'peer.refused', node: 'server/*' });
    expect(refusal.error).toMatch(/^client certificate: [A-Z_]+$/);
  });

  it('of a peer without TLS is told of with the reason', async () => {
    const server = await setUp();
    const socket = connect(Number(server.agentAddress.split(':')[1]), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    expect((await bench.waitFor({ kind: 'peer.refused' })).error).toMatch(
      /http request|wrong version number/,
    );
    socket.destroy();
  });

  it('of a server whose certificate bears another name says which', async () => {
    const server = await setUp();
    expect(await agentWith(server, { serverName: 'elsewhere' })).toMatch(
      /x509: certificate is valid for localhost, not elsewhere$/,
    );
  });

  it.each(['here', 'there'] as const)(
    'of a frontend, the stranger being %s, rejects its dial',
    async (side) => {
      const server = await setUp();
      const ours = bench.tls('frontend-client', side === 'here' ? certificates : strangers);
      const { ca } = bench.tls('frontend-client', side === 'here' ? strangers : certificates);
      const tls = { ...ours, ca };
      const client = bench.client(server, { tcp: true, tls });
      await expect(client.dial(host, 1)).rejects.toMatchObject({ code: 'TLS_REJECTED' });
      await expect(client.dial(host, 1)).rejects.toMatchObject({ code: 'TLS_REJECTED' });
    },
  );

  it('in wrong PEM is found before anything starts', async () => {
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

describe('foreign bytes', () => {
  const garbage: readonly [string, Buffer][] = [
    ['plaintext HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['random bytes', randomBytes(4096)],
    [
      'an HTTP/2 preface and nonsense',
      Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), randomBytes(64)]),
    ],
    ['nothing', Buffer.alloc(0)],
  ];

  it.each(garbage)('%s on every port do no harm', async (_name, bytes) => {
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
    await bench.checkPath(server);
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
    await bench.checkPath(living);
  });

  it('as a Unix socket without a process is taken over, and only its owner may use it', async () => {
    bench = await TunnelBench.create({ certificates });
    const path = join(bench.folder, 'left-over.sock');
    const crashed = createServer().listen(`${path}.new`);
    await once(crashed, 'listening');
    await rename(`${path}.new`, path);
    crashed.close();
    const server = await bench.server({ frontends: [{ kind: 'unix', path }] });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await bench.connectedAgent(server);
    await bench.checkPath(server);
    await server.stop();
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  it('by a file that is not a socket is not deleted', async () => {
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
