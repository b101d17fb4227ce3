import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { TunnelError } from '../../src/core/errors.js';
import { createKubectl, describeEachKubectl, type Kubectl } from '../support/kubectl.js';
import { startTestCluster, type TestCluster } from './cluster.js';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster();
  cluster.runtime('node-1').restartContainer({ namespace: 'default', pod: 'web-1', container: 'web' });
});
afterAll(() => cluster.close());

const tick = /^\d+: \S+Z tick$/m;

describeEachKubectl('logs', (binary) => {
  let kubectl: Kubectl;
  beforeEach(async () => {
    kubectl = await createKubectl(binary, cluster.kubeconfig);
    await expect.poll(() => kubectl.run(['logs', 'counter']).then(({ stdout }) => stdout)).toMatch(tick);
  });
  afterEach(() => kubectl.close());

  async function lines(...args: string[]): Promise<string[]> {
    const result = await kubectl.run(['logs', ...args]);
    expect(result).toMatchObject({ code: 0 });
    return result.stdout.split('\n').slice(0, -1);
  }

  it('come whole, or the last lines of them, or the first bytes', async () => {
    expect((await lines('counter'))[0]).toMatch(/^1: /);
    expect(await lines('counter', '--tail=1')).toHaveLength(1);
    expect((await kubectl.run(['logs', 'counter', '--limit-bytes=5'])).stdout).toHaveLength(5);
  });

  it('come with times, and since a time', async () => {
    const [line = ''] = await lines('counter', '--timestamps', '--tail=1');
    expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z \d+: /);
    expect(await lines('counter', '--since=1h')).not.toEqual([]);
    expect(await lines('counter', '--since-time=2124-01-01T00:00:00Z')).toEqual([]);
  });

  it('are followed until kubectl is stopped', async () => {
    const follow = kubectl.start(['logs', '-f', 'counter', '--tail=1']);
    await follow.waitFor(/(\d+: \S+ tick\n){2}/);
    expect(cluster.api.openStreams().log).toBe(1);
    await follow.stop();
    await expect.poll(() => cluster.api.openStreams().log).toBe(0);
  });

  it('of the run before a restart are asked for with --previous', async () => {
    expect((await kubectl.run(['logs', 'web-1', '--previous'])).code).toBe(0);
    expect(await kubectl.run(['logs', 'web-2', '--previous'])).toMatchObject({
      code: 1,
      stderr:
        'Error from server (BadRequest): previous terminated container "web" in pod "web-2" not found\n',
    });
  });

  it('are taken from a container, from all of them, from a selection and from a deployment', async () => {
    expect((await lines('pair', '-c', 'main')).length).toBeGreaterThan(0);
    expect((await kubectl.run(['logs', 'pair'])).stderr).toBe(
      'Defaulted container "main" out of: main, sidecar\n',
    );
    const all = await lines('-l', 'app=pair', '--all-containers', '--prefix');
    expect(all.some((line) => line.startsWith('[pod/pair/main] '))).toBe(true);
    expect((await kubectl.run(['logs', 'deploy/web'])).stderr).toMatch(
      /^Found 2 pods, using pod\/web-[12]\n$/,
    );
  });

  it('of a node that nobody reaches fail with the text of the tunnel', async () => {
    cluster.failDials('node-1', new TunnelError('NO_AGENT', 'No agent available'));
    try {
      expect(await kubectl.run(['logs', 'echo'])).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(
          /^Error from server: Get "https:\/\/node-1:10250\/containerLogs\/default\/echo\/echo": No agent available\n$/,
        ),
      });
    } finally {
      cluster.failDials('node-1', undefined);
    }
  });

  it('that are cut end in an error after what was there', async () => {
    const follow = kubectl.start(['logs', '-f', 'counter']);
    await follow.waitFor(tick);
    cluster.cutConnections('node-2');
    expect(await follow.result).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(tick),
      stderr: 'error: unexpected EOF\n',
    });
  });
});
