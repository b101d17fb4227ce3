import { readFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRealClock } from '../../src/core/clock.js';
import { KubeClient } from '../../src/kube/kube-client.js';
import { readKubeconfig } from '../../src/kube/kubeconfig.js';
import type { Node, Pod } from '../../src/kube/pod-objects.js';
import { Konnsim, konnsim, scratchFolder } from '../support/konnsim.js';
import { createKubectl, findKubectls } from '../support/kubectl.js';
import { clientOf, podsThrough } from '../support/kubelet-through.js';
import { eventually, once, within } from '../support/waits.js';

let folder: Awaited<ReturnType<typeof scratchFolder>>;
let server: Konnsim;
let apiserver: Konnsim;
let nodes: Konnsim;
let relay: Relay;
let api: KubeClient;
let health = '';
const path = (name: string): string => join(folder.path, name);
const shared = (args: readonly string[]): Konnsim => new Konnsim(args, { cwd: folder.path, shared: true });

/** Between agents and server, so that one agent's connection can be cut. */
interface Relay {
  readonly port: number;
  readonly fronts: readonly Socket[];
  close(): Promise<void>;
}

async function startRelay(port: number): Promise<Relay> {
  const fronts: Socket[] = [];
  const listener: Server = createServer((front) => {
    const back = connect(port, '127.0.0.1');
    for (const socket of [front, back]) socket.on('error', () => socket.destroy());
    front.on('close', () => back.destroy());
    back.on('close', () => front.destroy());
    front.pipe(back).pipe(front);
    fronts.push(front);
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    fronts,
    close: async () => {
      for (const front of fronts) front.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}

async function portOf(role: Konnsim, line: RegExp): Promise<number> {
  return Number((await role.waitFor(line))[1]);
}

const status = async (): Promise<number> =>
  (await fetch(`http://127.0.0.1:${health}/readyz`, { headers: { connection: 'close' } })).status;
const ready = (): Promise<void> =>
  eventually(async () => expect(await status()).toBe(200), { intervalMs: 50 });
const count = (pattern: RegExp): number => [...nodes.output().matchAll(new RegExp(pattern, 'g'))].length;

beforeAll(async () => {
  folder = await scratchFolder();
  expect((await konnsim(['certs', '--nodes', '3'], { cwd: folder.path })).code).toBe(0);
  server = shared(['server', '--uds-name', 'server.sock', '--agent-port', '0', '--health-port', '0']);
  apiserver = shared([
    'apiserver',
    '--uds-name',
    'server.sock',
    '--nodes',
    '1',
    '--port',
    '0',
    '--kubeconfig',
    'kubeconfig',
  ]);
  relay = await startRelay(await portOf(server, /^agents 127\.0\.0\.1:(\d+)$/m));
  await apiserver.waitFor(/^apiserver https/m);
  const own = ['--count', '3', '--kubeconfig', 'kubeconfig', '--proxy-server-port', `${relay.port}`];
  const objects = ['--node-labels', 'role=hollow', '--register-with-taints', 'hollow=yes:NoSchedule'];
  nodes = shared(['node', ...own, ...objects, '--health-server-port', '0', '--events']);
  health = (await nodes.waitFor(/^health 127\.0\.0\.1:(\d+)$/m))[1] ?? '';
  const clock = createRealClock();
  api = new KubeClient({ access: await readKubeconfig(path('kubeconfig'), { clock }), clock });
}, 60_000);
afterAll(async () => {
  await api.close();
  await Promise.all([nodes, server, apiserver].map((role) => role.stop('SIGKILL')));
  await relay.close();
  await folder.remove();
});

describe('konnsim node', () => {
  it('registers its nodes, and says when all are there', async () => {
    await ready();
    await nodes.waitFor(/^nodes node-1 … node-3$/m);
    await nodes.waitFor(/^3 of 3 agents connected, 3 of 3 nodes registered$/m);
    const { items } = await api.list<Node>({ resource: { group: '', version: 'v1', plural: 'nodes' } });
    expect(items.map(({ metadata }) => metadata.name)).toEqual(['node-1', 'node-2', 'node-3']);
    // The first one was there before.
    for (const { metadata, spec } of items.slice(1)) {
      expect(metadata.labels).toMatchObject({ role: 'hollow', 'kubernetes.io/hostname': metadata.name });
      expect(spec.taints).toEqual([{ key: 'hollow', value: 'yes', effect: 'NoSchedule' }]);
    }
  });

  it('runs the pods that the API binds to its nodes, and serves them through the tunnel', async () => {
    const target = { resource: { group: '', version: 'v1', plural: 'pods' }, namespace: 'default' };
    const spec = { nodeName: 'node-3', containers: [{ name: 'main', image: 'konnsim/shell' }] };
    await api.create(target, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'mine', namespace: 'default' },
      spec,
    });
    await eventually(async () =>
      expect(await api.get<Pod>({ ...target, name: 'mine' })).toMatchObject({ status: { phase: 'Running' } }),
    );
    const certs = path('certs');
    expect(await podsThrough(path('server.sock'), { certs, node: '10.0.1.13' })).toEqual(['mine']);
    expect(await podsThrough(path('server.sock'), { certs, node: '10.0.1.11' })).toContain('web-1');
  });

  const [kubectl] = findKubectls();
  it.skipIf(kubectl === undefined)('serves kubectl', async () => {
    if (kubectl === undefined) return;
    const user = await createKubectl(kubectl, await readFile(path('kubeconfig'), 'utf8'));
    const found = await user.run(['get', 'nodes', '-o', 'name']);
    const { stdout, code } = await user.run(['exec', 'mine', '--', 'hostname']);
    await user.close();
    expect(found.stdout).toBe('node/node-1\nnode/node-2\nnode/node-3\n');
    expect({ stdout, code }).toEqual({ stdout: 'mine\n', code: 0 });
  });

  it('has agents that do not take each other along', async () => {
    const [connected, lost] = [count(/agent\.connected/), count(/agent\.disconnected/)];
    relay.fronts[1]?.destroy();
    await eventually(() => expect(count(/agent\.connected/)).toBe(connected + 1));
    expect(count(/agent\.disconnected/)).toBe(lost + 1);
    await ready();
  });

  it('ends with 143 after SIGTERM, in silence, and every part with it', async () => {
    const { code, stdout, stderr } = await nodes.stop('SIGTERM');
    expect({ code, stderr }).toEqual({ code: 143, stderr: '' });
    for (const role of ['agent', 'kubelet'])
      for (const node of ['node-1', 'node-2', 'node-3'])
        expect(stdout).toMatch(
          new RegExp(`role\\.stopped.* ${role}/${node}\\b|${role}/${node}\\b.*role\\.stopped`),
        );
  });

  it('takes certificates from files, and is silent but for its state', async () => {
    const certificates = [
      '--ca-cert',
      'certs/agent-ca.crt',
      '--agent-cert',
      'certs/agent.crt',
      '--agent-key',
      'certs/agent.key',
    ];
    const numbers = [
      '--count',
      '2',
      '--first-node',
      '7',
      '--node-name-prefix',
      'edge',
      '--health-server-port',
      '0',
    ];
    const own = [
      '--certs',
      'none',
      ...certificates,
      '--client-ca-file',
      'certs/ca.crt',
      '--proxy-server-port',
      `${relay.port}`,
    ];
    const edge = new Konnsim(['node', ...numbers, ...own], { cwd: folder.path });
    await edge.waitFor(/^2 of 2 agents connected$/m);
    expect(await pageOf('10.0.1.18', '/pods')).toContain('web-8');
    const { stdout } = await edge.stop('SIGTERM');
    expect(stdout).toMatch(/^nodes edge-7 … edge-8\nhealth \S+\n(\d of 2 agents connected\n)+$/);
  });
});

/** A page of a kubelet whose certificate is self-signed, through the tunnel. */
async function pageOf(node: string, page: string): Promise<string> {
  const dialer = clientOf(path('server.sock'));
  const read = (name: string): Promise<string> =>
    readFile(path(`certs/apiserver-kubelet-client.${name}`), 'utf8');
  const socket = connectTls({
    socket: await dialer.dial(node, 10_250),
    ...{ cert: await read('crt'), key: await read('key'), rejectUnauthorized: false },
  });
  socket.write(`GET ${page} HTTP/1.1\r\nhost: kubelet\r\nconnection: close\r\n\r\n`);
  const parts: Buffer[] = [];
  await within(
    (async () => {
      for await (const part of socket as AsyncIterable<Buffer>) parts.push(part);
    })(),
    `end of ${page}`,
  );
  await dialer.close();
  return Buffer.concat(parts).toString();
}

describe('konnsim node, used wrongly', () => {
  it.each([
    [['--count', '5001'], /--count.*whole number from 1 to 5000/],
    [['--count', '10', '--first-node', '4992'], /reach node 5001; the last is 5000 \[USAGE\]/],
    [['--register-with-taints', 'a=b:Never'], /"a=b:Never" is not KEY=VALUE:EFFECT/],
    [['--agent-cert', 'certs/agent.crt'], /--agent-cert and --agent-key go together/],
    [['--tls-cert-file', 'a', '--tls-private-key-file', 'b'], /--tls-cert-file needs --client-ca-file/],
    [['--count', '4'], /kubelet-node-4\.crt: no such file[\s\S]*hint: .*konnsim certs --nodes NUMBER/],
    [['--kubeconfig', 'none'], /none: no such file/],
  ])('%j', async (flags, said) => {
    const { code, stdout, stderr } = await konnsim(['node', '--health-server-port', '0', ...flags], {
      cwd: folder.path,
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(said);
    expect(stderr).toMatch(/\nhint: /);
  });
});
