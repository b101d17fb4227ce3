import { afterEach, describe, expect, it } from 'vitest';
import { createRealClock } from '../../src/core/clock.js';
import { type LabOptions, startLab } from '../../src/index.js';
import { KubeClient } from '../../src/kube/kube-client.js';
import type { Lab } from '../../src/lab/lab.js';

let lab: Lab | undefined;
const clients: KubeClient[] = [];
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await lab?.stop();
  lab = undefined;
});

async function start(options: LabOptions): Promise<Lab> {
  lab = await startLab({ strategies: ['destHost'], as: 'ideal', ...options });
  return lab;
}

/** Reads a log through one replica of the API, and so through the proxy-server beside it. Returns what went wrong. */
async function logThrough(started: Lab, number: number, pod: string): Promise<string | undefined> {
  const { ca, leaves } = started.certificates;
  const tls = { ca: ca.certPem, cert: leaves.admin.certPem, key: leaves.admin.keyPem };
  const server = new URL(started.apiserver(number).url);
  const client = new KubeClient({
    access: { server, tls: () => tls, headers: () => ({}) },
    clock: createRealClock(),
  });
  clients.push(client);
  const resource = { group: '', version: 'v1', plural: 'pods' };
  const mark = started.mark();
  await client
    .get({ resource, namespace: 'default', name: pod, subresource: 'log' })
    // A log is no JSON: what matters is how the request ended.
    .catch(() => undefined);
  const end = await started.waitFor(
    (event) =>
      event.node === started.apiserver(number).name &&
      (event.kind === 'request.finished' || event.kind === 'request.failed'),
    { since: mark },
  );
  return end.kind === 'request.failed' ? end.error : undefined;
}

const serversOf = (started: Lab, since: number): string[] =>
  started
    .events()
    .filter(({ seq }) => seq > since)
    .flatMap((event) =>
      event.kind === 'packet' && event.packet === 'DIAL_REQ' && event.node.startsWith('server/')
        ? [event.node]
        : [],
    );

describe('a lab with several proxy-servers', () => {
  it('has every agent at every server, and each replica of the API beside its own', async () => {
    const started = await start({ servers: 2, nodes: 3, apiservers: 3 });
    for (const server of ['server/server-1', 'server/server-2'])
      for (const node of ['node-1', 'node-2', 'node-3'])
        await started.waitFor({ kind: 'backend.connected', node: server, peer: `agent/${node}` });
    for (const [replica, server] of [
      [1, 'server/server-1'],
      [2, 'server/server-2'],
      [3, 'server/server-1'],
    ] as const) {
      const mark = started.mark();
      expect(await logThrough(started, replica, 'web-2')).toBeUndefined();
      expect(new Set(serversOf(started, mark))).toEqual(new Set([server]));
    }
    await started.settled();
  }, 60_000);

  it('loses with one server only what is beside it, and heals', async () => {
    const started = await start({ servers: 2, nodes: 3, apiservers: 2 });
    const killed = started.part('server/server-2');
    await killed.kill();
    await killed.kill();
    expect(await logThrough(started, 2, 'web-1')).toMatch(
      /connection error: desc = "transport: Error while dialing: dial unix \S+server-2\.sock: connect: connection refused"/,
    );
    expect(await logThrough(started, 1, 'web-1')).toBeUndefined();
    const mark = started.mark();
    await killed.start();
    for (const node of ['node-1', 'node-2', 'node-3'])
      await started.waitFor(
        { kind: 'backend.connected', node: 'server/server-2', peer: `agent/${node}` },
        { since: mark },
      );
    expect(await logThrough(started, 2, 'web-1')).toBeUndefined();
  }, 60_000);

  it('fails at two of three servers when agents are told of one', async () => {
    const started = await start({ servers: 3, serverCount: 1, nodes: 1, apiservers: 3 });
    const failures = [];
    for (const replica of [1, 2, 3]) failures.push(await logThrough(started, replica, 'web-1'));
    const refused = failures.filter((failure) => failure !== undefined);
    expect(refused).toHaveLength(2);
    for (const failure of refused) expect(failure).toContain('No agent available');
  }, 60_000);

  it('draws a request with the server that carried it', async () => {
    const started = await start({ servers: 2, nodes: 1, apiservers: 2 });
    await logThrough(started, 2, 'web-1');
    const request = started
      .events()
      .find(({ kind, node }) => kind === 'request.started' && node === 'apiserver/apiserver-2')?.request;
    const ladder = started.ladder(request ?? '');
    expect(ladder).toContain('server-2');
    expect(ladder).not.toContain('server-1');
  }, 60_000);

  it('has one to nine', async () => {
    await expect(startLab({ servers: 0 })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      where: 'servers',
    });
    await expect(startLab({ serverCount: 10 })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      where: 'serverCount',
    });
  });
});
