import { expect, it } from 'vitest';
import { coreResource } from '../../src/apiserver/resources/catalogue.js';
import { describeEachKubectl } from '../support/kubectl.js';
import { requestsSince, useCluster, useKubectl } from './cluster.js';

const podResource = coreResource('pods');
const cluster = useCluster();

/** A table as rows of words. */
function rows(text: string): string[][] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.split(/\s{2,}/));
}

describeEachKubectl('reading objects', (binary) => {
  const kubectl = useKubectl(binary, cluster);

  /** stdout of a command that must succeed without stderr output. */
  async function output(...args: string[]): Promise<string> {
    const result = await kubectl().run(args);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    return result.stdout;
  }

  it('shows pods, wide and over all namespaces', async () => {
    const [header, ...pods] = rows(await output('get', 'pods', '-A', '-o', 'wide'));
    expect(header).toEqual([
      ...['NAMESPACE', 'NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE'],
      ...['IP', 'NODE', 'NOMINATED NODE', 'READINESS GATES'],
    ]);
    expect(pods.map(([, name]) => name)).toEqual(['counter', 'echo', 'pair', 'shell', 'web-1', 'web-2']);
    expect(pods[2]).toEqual(
      expect.arrayContaining(['default', 'pair', '2/2', 'Running', '0', 'node-2', '<none>']),
    );
  });

  it('shows nodes, services, deployments and namespaces with their own columns', async () => {
    expect(rows(await output('get', 'nodes', '-o', 'wide'))[1]).toEqual(
      expect.arrayContaining(['node-1', 'Ready', '10.0.1.11', 'v1.33.1']),
    );
    expect(rows(await output('get', 'svc', 'web'))[1]).toEqual(
      expect.arrayContaining(['web', 'ClusterIP', '<none>', '80/TCP']),
    );
    expect(rows(await output('get', 'deploy'))[1]).toEqual(expect.arrayContaining(['web', '2/2', '2']));
    expect(rows(await output('get', 'ns', 'default'))[1]).toEqual(
      expect.arrayContaining(['default', 'Active']),
    );
  });

  it('gives objects as JSON, YAML and names', async () => {
    const pod = JSON.parse(await output('get', 'pod', 'web-1', '-o', 'json'));
    expect(pod).toMatchObject({ kind: 'Pod', spec: { nodeName: 'node-1' }, status: { phase: 'Running' } });
    const node = await output('get', 'node', 'node-1', '-o', 'yaml');
    expect(node).toMatch(/allocatable:\n +cpu: "2"\n +ephemeral-storage: 20Gi\n +memory: 4Gi\n/);
    expect(await output('get', 'pods', '-l', 'app=web', '-o', 'name')).toBe('pod/web-1\npod/web-2\n');
  });

  it('selects by fields and sorts', async () => {
    const args = ['--field-selector', 'spec.nodeName=node-2', '--sort-by', '.metadata.name', '--no-headers'];
    const names = rows(await output('get', 'pods', ...args)).map(([name]) => name);
    expect(names).toEqual(['counter', 'pair', 'web-2']);
  });

  it('collects a list from its pages', async () => {
    const { lab } = cluster();
    const mark = lab.mark();
    const chunked = ['get', 'pods', '-A', '--chunk-size=2'];
    expect(await output(...chunked, '-o', 'name')).toBe(await output('get', 'pods', '-A', '-o', 'name'));
    await lab.settled();
    const lists = requestsSince(lab, mark).filter(
      ({ kind, verb, path }) => kind === 'request.finished' && verb === 'list' && path === '/api/v1/pods',
    );
    // Six pods make three pages of two; without a chunk size they are one page.
    expect(lists).toHaveLength(4);
    expect(rows(await output(...chunked)).map(([, name]) => name)).toEqual([
      ...['NAME', 'counter', 'echo', 'pair', 'shell', 'web-1', 'web-2'],
    ]);
  });

  it('describes pods, nodes and services', async () => {
    const pod = await output('describe', 'pod', 'pair');
    expect(pod).toMatch(/^Node:\s+node-2\/10\.0\.1\.12$/m);
    // The kubelet has started it before the API was there, and tells so later.
    await expect
      .poll(() => output('describe', 'pod', 'pair'))
      .toMatch(/^ +Normal +Started +\S+ +kubelet +Started container main$/m);
    const node = await output('describe', 'node', 'node-1');
    expect(node).toMatch(/^Non-terminated Pods:\s+\(3 in total\)$/m);
    expect(await output('describe', 'svc', 'web')).toMatch(/^Selector:\s+app=web$/m);
  });

  it('lists what is served, and the version', async () => {
    expect(await output('api-resources')).toMatch(/^pods\s+po\s+v1\s+true\s+Pod$/m);
    // Older clients warn on stderr about the difference between the versions.
    const version = await kubectl().run(['version', '-o', 'json']);
    expect(JSON.parse(version.stdout)).toMatchObject({ serverVersion: { gitVersion: 'v1.33.1' } });
    expect(JSON.parse(await output('get', '--raw', '/version'))).toMatchObject({ minor: '33' });
    expect(await output('get', '--raw', '/readyz')).toBe('ok');
  });

  it('reports its user', async () => {
    const result = await kubectl().run(['auth', 'whoami', '-o', 'json']);
    // 1.27 asks for a beta version of the API.
    if (binary.minor < 28) expect(result.code).toBe(1);
    else expect(result.stdout).toContain('"username": "kubernetes-admin"');
  });

  it('watches until it is stopped', async () => {
    const name = `watched-${binary.minor}`;
    const pod = cluster()
      .store.list(podResource, 'default')
      .find(({ metadata }) => metadata.name === 'web-1');
    if (pod === undefined) throw new Error('no pod web-1');
    const watch = kubectl().start(['get', 'pods', '-w', '--no-headers']);
    await watch.waitFor(/^web-2 /m);
    cluster().store.put({ ...pod, metadata: { ...pod.metadata, name } });
    await watch.waitFor(new RegExp(`^${name} +1/1 +Running`, 'm'));
    cluster().store.remove('v1', 'Pod', { namespace: 'default', name });
    await watch.waitFor(new RegExp(`(^${name} .*\n[^]*){2}`, 'm'));
    const before = cluster().openStreams().watch;
    await watch.stop();
    await expect.poll(() => cluster().openStreams().watch).toBe(before - 1);
  });

  it.each([
    [['get', 'pod', 'zap'], 'Error from server (NotFound): pods "zap" not found\n'],
    [['get', 'zaps'], `error: the server doesn't have a resource type "zaps"\n`],
    [
      ['get', '--raw', '/zap'],
      'Error from server (NotFound): the server could not find the requested resource\n',
    ],
  ])('says of %j what is wrong', async (args, stderr) => {
    expect(await kubectl().run(args)).toMatchObject({ code: 1, stderr });
  });
});
