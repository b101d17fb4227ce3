import { readFile, stat } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { standardTopology } from '../../src/cli/role.js';
import { Konnsim, konnsim, scratchFolder } from '../support/konnsim.js';
import { createKubectl, findKubectls } from '../support/kubectl.js';
import { clientOf, podsThrough } from '../support/kubelet-through.js';
import { soon } from '../support/waits.js';

type Door = { readonly host: string; readonly port: number } | { readonly path: string };
type Role = 'server' | 'kubelet' | 'agent' | 'apiserver';

let folder: Awaited<ReturnType<typeof scratchFolder>>;
const roles = new Map<Role, Konnsim>();
const ports = { agents: 0, kubelet: 0, pods: 0, health: 0, agentHealth: 0, apiserver: 0 };
const socket = (): string => join(folder.path, 'server.sock');

function start(role: Role, args: readonly string[]): Konnsim {
  const process = new Konnsim([role, '--certs', 'certs', ...args], { cwd: folder.path, shared: true });
  roles.set(role, process);
  return process;
}

async function startServer(): Promise<Konnsim> {
  const { agents, health } = ports;
  const own = ['--uds-name', 'server.sock', '--agent-port', `${agents}`, '--health-port', `${health}`];
  const strategies = ['--proxy-strategies', 'destHost'];
  const server = start('server', [...own, ...strategies]);
  ports.agents = Number((await server.waitFor(/^agents 127\.0\.0\.1:(\d+)$/m))[1]);
  ports.health = Number((await server.waitFor(/^health 127\.0\.0\.1:(\d+)$/m))[1]);
  expect((await server.waitFor(/^frontends (\S+)$/m))[1]).toBe(`unix://${socket()}`);
  return server;
}

async function startAgent(): Promise<Konnsim> {
  const own = ['--agent-id', 'node-1', '--agent-identifiers', 'ipv4=10.0.1.11&host=node-1'];
  const map = ['--node-address', `10.0.1.11:10250=127.0.0.1:${ports.kubelet}`];
  const there = ['--proxy-server-port', `${ports.agents}`, '--health-server-port', '0'];
  // Nobody listens on port 1.
  const others = ['--pod-network', '192.168.77.0/24=localhost:1'];
  const pods = ['--pod-network', `10.244.1.0/24=localhost:${ports.pods}`, ...others];
  const agent = start('agent', [...own, ...map, ...pods, ...there]);
  ports.agentHealth = Number((await agent.waitFor(/^health 127\.0\.0\.1:(\d+)$/m))[1]);
  await agent.waitFor(/agent\.connected/);
  return agent;
}

async function startApiServer(): Promise<Konnsim> {
  const own = ['--uds-name', 'server.sock', '--nodes', '1', '--port', '0', '--kubeconfig', 'kubeconfig'];
  // As docker compose passes on that there is no store.
  const apiserver = start('apiserver', [...own, '--store=']);
  ports.apiserver = Number((await apiserver.waitFor(/^apiserver https:\/\/127\.0\.0\.1:(\d+)$/m))[1]);
  return apiserver;
}

beforeAll(async () => {
  folder = await scratchFolder();
  expect((await konnsim(['certs', '--out', 'certs'], { cwd: folder.path })).code).toBe(0);
  const kubelet = start('kubelet', ['--node', 'node-1', '--port', '0', '--pod-port', '0']);
  ports.kubelet = Number((await kubelet.waitFor(/^kubelet 127\.0\.0\.1:(\d+)$/m))[1]);
  ports.pods = Number((await kubelet.waitFor(/^pods 127\.0\.0\.1:(\d+)$/m))[1]);
  await startServer();
  await Promise.all([startAgent(), startApiServer()]);
}, 60_000);
afterAll(async () => {
  await Promise.all([...roles.values()].map((role) => role.stop('SIGKILL')));
  await folder.remove();
});

const podsOfNode = (): Promise<string[]> =>
  podsThrough(socket(), { certs: join(folder.path, 'certs'), node: '10.0.1.11' });

const pods = ['counter', 'echo', 'pair', 'shell', 'web-1', 'web-2'];
const expectAnswer = async (): Promise<void> => {
  const found = await podsOfNode();
  expect(found).toContain('web-1');
  for (const name of found) expect(pods).toContain(name);
};

describe('roles as separate processes', () => {
  it('carry a request to the kubelet', expectAnswer);

  it('reach pods in several networks, and say which kubelet does not answer for its own', async () => {
    const tunnel = clientOf(socket());
    const { pods } = standardTopology(2, '1.33.1').objects;
    const echo = pods.find(({ metadata }) => metadata.name === 'echo');
    (await tunnel.dial(echo?.status.podIP ?? '', 7)).destroy();
    await expect(tunnel.dial('192.168.77.5', 7)).rejects.toThrow(
      'dial tcp 192.168.77.5:7: connect: no route',
    );
    await roles.get('agent')?.waitFor(/^pod network at localhost:1: .*connection refused$/m);
    await tunnel.close();
  });

  const [kubectl] = findKubectls();
  it.skipIf(kubectl === undefined)('serve kubectl', async () => {
    if (kubectl === undefined) return;
    const config = await readFile(join(folder.path, 'kubeconfig'), 'utf8');
    expect((await stat(join(folder.path, 'kubeconfig'))).mode & 0o777).toBe(0o600);
    const user = await createKubectl(kubectl, config);
    const { stdout, stderr, code } = await user.run(['exec', 'web-1', '--', 'sh', '-c', 'hostname; exit 4']);
    const proxied = await user.run(['get', '--raw', '/api/v1/namespaces/default/pods/web-1:8080/proxy/']);
    await user.close();
    expect(proxied.stdout).toMatch(/^pod: web-1\n/);
    expect({ stdout, stderr, code }).toEqual({
      stdout: 'web-1\n',
      stderr: 'command terminated with exit code 4\n',
      code: 4,
    });
  });

  it('heal by themselves after kill -9 of the agent', async () => {
    const lost = roles.get('server')?.waitFor(/backend\.disconnected/);
    await roles.get('agent')?.stop('SIGKILL');
    await lost;
    await expect(podsOfNode()).rejects.toMatchObject({ code: 'NO_AGENT' });
    await startAgent();
    await expectAnswer();
  });

  it('heal by themselves after kill -9 of the proxy-server, whose socket file is left over', async () => {
    const lost = roles.get('agent')?.waitFor(/agent\.disconnected/);
    await roles.get('server')?.stop('SIGKILL');
    await lost;
    expect((await stat(socket())).isSocket()).toBe(true);
    await expect(podsOfNode()).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
    const server = await startServer();
    await server.waitFor(/backend\.connected/);
    await expectAnswer();
  });

  it('end although the proxy-server neither reads nor closes any more', async () => {
    const server = roles.get('server');
    server?.child.kill('SIGSTOP');
    try {
      for (const role of ['agent', 'apiserver'] as const) {
        expect(await roles.get(role)?.stop('SIGTERM'), role).toMatchObject({ code: 143, stderr: '' });
      }
    } finally {
      server?.child.kill('SIGCONT');
    }
    await Promise.all([startAgent(), startApiServer()]);
    await expectAnswer();
  });

  it('say on both sides that a certificate is of another CA, live on, and retry', async () => {
    await konnsim(['certs', '--out', 'foreign'], { cwd: folder.path });
    const args = ['agent', '--certs', 'foreign', '--agent-id', 'stranger', '--health-server-port', '0'];
    const stranger = new Konnsim([...args, '--proxy-server-port', `${ports.agents}`], { cwd: folder.path });
    const line = await stranger.waitFor(/agent\.retry.*certificate.*[\s\S]*agent\.retry.*certificate/);
    expect(line[0]).not.toMatch(/^\s+at /m);
    expect(await stranger.stop('SIGTERM')).toMatchObject({ code: 143, stderr: '' });
    await expectAnswer();
  });

  const tcp = (door: Door): Socket => connect({ ...door, allowHalfOpen: true });
  const tls = (door: Door): Socket => connectTls({ ...door, rejectUnauthorized: false });
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
  const garbage: readonly [string, (door: Door) => Promise<Socket>][] = [
    ['garbage bytes', (door) => talk(tcp(door), Buffer.alloc(4096, 0xa5))],
    ['plain HTTP', (door) => talk(tcp(door), 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['an HTTP/2 preface', (door) => talk(tcp(door), preface)],
    ['TLS without a certificate', (door) => talk(tls(door), preface)],
    ['half a TLS hello', (door) => talk(tcp(door), Buffer.from('16030100', 'hex'))],
    ['a half-open connection', (door) => talk(tcp(door))],
  ];

  it.each(garbage)('outlive %s on every port and socket', async (_name, open) => {
    const host = '127.0.0.1';
    const places = [...Object.values(ports).map((port) => ({ host, port })), { path: socket() }];
    const doors = await Promise.all(places.map(open));
    await expectAnswer();
    for (const door of doors) door.destroy();
    for (const role of roles.values()) expect(role.child.exitCode).toBeNull();
    for (const port of [ports.health, ports.agentHealth]) {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { headers: { connection: 'close' } });
      expect(answer.status).toBe(200);
    }
  });

  it('end with 143 after SIGTERM, in silence, and remove the Unix socket', async () => {
    for (const role of ['apiserver', 'agent', 'kubelet', 'server'] as const) {
      const end = await roles.get(role)?.stop('SIGTERM');
      expect(end, role).toMatchObject({ code: 143, stderr: '' });
      expect(end?.stdout, role).toContain('role.stopped');
    }
    await expect(stat(socket())).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

/** Sends unexpected bytes, then resets or ends its direction; resolves when they are on their way. */
async function talk(socket: Socket, bytes?: string | Buffer): Promise<Socket> {
  socket.on('error', () => undefined).resume();
  const opened = soon<void>((resolve) => {
    socket
      .once('connect', resolve)
      .once('secureConnect', resolve)
      .once('close', () => resolve());
  }, 'connection');
  await opened;
  if (bytes === undefined) socket.end();
  else await soon<void>((resolve) => socket.write(bytes, () => resolve()), 'end of the write');
  return socket;
}
