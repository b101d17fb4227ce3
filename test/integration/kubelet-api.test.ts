import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRealClock } from '../../src/core/clock.js';
import { KubeClient } from '../../src/kube/kube-client.js';
import { readKubeconfig } from '../../src/kube/kubeconfig.js';
import type { Node, Pod } from '../../src/kube/pod-objects.js';
import { freePort } from '../support/dropin.js';
import { Konnsim, konnsim, scratchFolder } from '../support/konnsim.js';

const seconds = { interval: 50 };
const pods = { resource: { group: '', version: 'v1', plural: 'pods' }, namespace: 'default' } as const;
const nodes = { resource: { group: '', version: 'v1', plural: 'nodes' } } as const;

describe('a kubelet that is told where the API is', () => {
  let folder: Awaited<ReturnType<typeof scratchFolder>>;
  let port = 0;
  let admin: KubeClient;
  const running: Konnsim[] = [];

  const start = (args: readonly string[]): Konnsim => {
    const process = new Konnsim([...args, '--certs', 'certs', '--nodes', '2'], {
      cwd: folder.path,
      shared: true,
    });
    running.push(process);
    return process;
  };
  const startApi = async (): Promise<Konnsim> => {
    const api = start([
      'apiserver',
      '--port',
      `${port}`,
      '--uds-name',
      'none.sock',
      '--kubeconfig',
      'kubeconfig',
    ]);
    await api.waitFor(/^apiserver https:/m);
    return api;
  };
  const phase = (name: string): Promise<string> =>
    admin.get<Pod>({ ...pods, name }).then(
      ({ status }) => status.phase,
      () => 'gone',
    );
  /** The port that the API knows of the kubelet. */
  const shownPort = async (): Promise<number> =>
    (await admin.get<Node>({ ...nodes, name: 'node-1' })).status.daemonEndpoints.kubeletEndpoint.Port;
  const create = (name: string): Promise<object> => {
    const spec = { nodeName: 'node-1', containers: [{ name: 'main', image: 'any' }] };
    return admin.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec });
  };

  beforeAll(async () => {
    folder = await scratchFolder();
    port = await freePort();
    expect((await konnsim(['certs', '--out', 'certs', '--nodes', '2'], { cwd: folder.path })).code).toBe(0);
  }, 60_000);
  afterAll(async () => {
    await admin?.close();
    await Promise.all(running.map((process) => process.stop('SIGKILL')));
    await folder.remove();
  });

  it('runs the standard pods before the API is there, then what the API says, and follows one that forgot', async () => {
    const url = `https://127.0.0.1:${port}`;
    const kubelet = start(['kubelet', '--node', 'node-1', '--port', '0', '--server', url]);
    await kubelet.waitFor(/^container\/default\/web-1\/web · kubelet\/node-1 +role\.started/m);
    const [, kubeletPort] = await kubelet.waitFor(/^kubelet 127\.0\.0\.1:(\d+)$/m);
    await kubelet.waitFor(/request\.failed +verb=api.+connection refused/);
    const api = await startApi();
    const clock = createRealClock();
    admin = new KubeClient({
      access: await readKubeconfig(join(folder.path, 'kubeconfig'), { clock }),
      clock,
    });
    await create('late');
    await expect.poll(() => phase('late'), seconds).toBe('Running');
    await expect.poll(shownPort, seconds).toBe(Number(kubeletPort));
    await admin.delete({ ...pods, name: 'web-1' });
    await expect.poll(() => phase('web-1'), seconds).toBe('gone');
    await kubelet.waitFor(/^container\/default\/web-1\/web · kubelet\/node-1 +role\.stopped/m);
    // An API that forgot everything: its pods end, and the standard ones are back.
    await api.stop('SIGKILL');
    await startApi();
    await kubelet.waitFor(/^container\/default\/late\/main · kubelet\/node-1 +role\.stopped/m);
    await kubelet.waitFor(
      /web-1\/web · kubelet\/node-1 +role\.stopped[^]+web-1\/web · kubelet\/node-1 +role\.started/,
    );
  });

  it('says what is wrong with its flags', async () => {
    const failed = async (...args: string[]): Promise<string> =>
      (await konnsim(['kubelet', '--certs', 'certs', ...args], { cwd: folder.path })).stderr;
    expect(await failed('--server', 'http://127.0.0.1:1')).toContain('It must be https://HOST:PORT.');
    expect(await failed('--server', 'https://127.0.0.1:1', '--kubeconfig', 'kubeconfig')).toContain(
      'cannot be used with',
    );
    expect(await failed('--authorization-mode', 'Webhook')).toContain('needs an API');
  });
});
