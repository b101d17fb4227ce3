import { beforeAll, expect, it } from 'vitest';
import { describeEachKubectl } from '../support/kubectl.js';
import { each } from '../support/waits.js';
import { killAgent, requestsSince, useCluster, useKubectl } from './cluster.js';

const cluster = useCluster({
  // A cut is told. How kube-apiserver hides it is in `situations.ts`.
  as: 'ideal',
  behaviours: [
    {
      kind: 'Logs',
      metadata: { name: 'web-2', namespace: 'default' },
      spec: { logs: [{ content: 'é'.repeat(1000) }] },
    },
  ],
});
beforeAll(async () => {
  const { lab } = cluster();
  lab.restartContainer('web-1');
  // The counter logs once a second: wait for its first line.
  for await (const _line of each(lab.logs('counter', { follow: true }), 'line of the log')) break;
});

const tick = /^\d+: \S+Z tick$/m;

describeEachKubectl('logs', (binary) => {
  const kubectl = useKubectl(binary, cluster);

  async function lines(...args: string[]): Promise<string[]> {
    const result = await kubectl().run(['logs', ...args]);
    expect(result).toMatchObject({ code: 0 });
    return result.stdout.split('\n').slice(0, -1);
  }

  it('are printed whole, or their last lines, or their first bytes', async () => {
    expect((await lines('counter'))[0]).toMatch(/^1: /);
    expect(await lines('counter', '--tail=1')).toHaveLength(1);
    expect((await kubectl().run(['logs', 'counter', '--limit-bytes=5'])).stdout).toHaveLength(5);
  });

  it('of a container without output are empty, which is not a failure', async () => {
    expect(await kubectl().run(['logs', 'shell'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it('keep every byte that is not ASCII', async () => {
    expect((await kubectl().run(['logs', 'web-2'])).stdout).toBe('é'.repeat(1000));
  });

  it('are printed with times, and since a time', async () => {
    const [line = ''] = await lines('counter', '--timestamps', '--tail=1');
    expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z \d+: /);
    expect(await lines('counter', '--since=1h')).not.toEqual([]);
    expect(await lines('counter', '--since-time=2124-01-01T00:00:00Z')).toEqual([]);
  });

  it('of a single stream need a feature gate of the kubelet', async () => {
    const raw = (query: string) =>
      kubectl().run(['get', '--raw', `/api/v1/namespaces/default/pods/web-2/log?${query}`]);
    expect((await raw('stream=All')).stdout).toBe('é'.repeat(1000));
    expect((await raw('stream=Stderr')).stderr).toContain(
      'unable to return the given log stream: "Stderr". Please enable PodLogsQuerySplitStreams feature gate in kubelet',
    );
    expect((await raw('stream=Stderr&tailLines=1')).stderr).toContain('mutually exclusive');
  });

  it('are followed until Ctrl-C, which also ends the kubelet’s request', async () => {
    const { lab, openStreams } = cluster();
    const mark = lab.mark();
    const follow = kubectl().start(['logs', '-f', 'counter', '--tail=1']);
    await follow.waitFor(/(\d+: \S+ tick\n){2}/);
    expect([openStreams().log, lab.open().kubeletRequests]).toEqual([1, 1]);
    const { request = '' } = requestsSince(lab, mark).find(({ verb }) => verb === 'log') ?? {};
    await follow.stop('SIGINT');
    await lab.waitFor(({ kind, node, ...event }) => {
      const over = kind === 'request.finished' || kind === 'request.failed';
      return over && node.startsWith('kubelet/') && event.request === request;
    });
  });

  it('of the run before a restart are printed with --previous', async () => {
    expect((await kubectl().run(['logs', 'web-1', '--previous'])).code).toBe(0);
    expect(await kubectl().run(['logs', 'echo', '--previous'])).toMatchObject({
      code: 1,
      stderr:
        'Error from server (BadRequest): previous terminated container "echo" in pod "echo" not found\n',
    });
  });

  it('are printed for one container, all containers, a selector and a deployment', async () => {
    expect((await lines('pair', '-c', 'main')).length).toBeGreaterThan(0);
    expect((await kubectl().run(['logs', 'pair'])).stderr).toBe(
      'Defaulted container "main" out of: main, sidecar\n',
    );
    const all = await lines('-l', 'app=pair', '--all-containers', '--prefix');
    expect(all.some((line) => line.startsWith('[pod/pair/main] '))).toBe(true);
    expect((await kubectl().run(['logs', 'deploy/web'])).stderr).toMatch(
      /^Found 2 pods, using pod\/web-[12]\n$/,
    );
  });

  it('are printed without a check of the kubelet’s certificate, and not from more streams than allowed', async () => {
    expect(await lines('counter', '--insecure-skip-tls-verify-backend', '--tail=1')).toHaveLength(1);
    const many = ['-f', '-l', 'app=web', '--max-log-requests=1'];
    expect(await kubectl().run(['logs', ...many])).toMatchObject({
      code: 1,
      stderr:
        'error: you are attempting to follow 2 log streams, but maximum allowed concurrency is 1, ' +
        'use --max-log-requests to increase the limit\n',
    });
  });

  it.each([
    // The words are kubectl's: 1.30 and later put the namespace after them.
    [
      ['zap'],
      /^(error: e|E)rror from server \(NotFound\): pods "zap" not found( in namespace "default")?\n$/,
    ],
    [['pair', '-c', 'zap'], /^error: container zap is not valid for pod pair\n$/],
  ])('of what is not there: %j', async (args, stderr) => {
    expect(await kubectl().run(['logs', ...args])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(stderr),
    });
  });

  it('of a node that lost its agent fail with the text of the tunnel, and work when it is back', async () => {
    const startAgain = await killAgent(cluster(), 'node-1');
    expect(await kubectl().run(['logs', 'echo'])).toMatchObject({
      code: 1,
      stderr:
        'Error from server: Get "https://10.0.1.11:10250/containerLogs/default/echo/echo": No agent available\n',
    });
    await startAgain();
    expect(await kubectl().run(['logs', 'echo'])).toMatchObject({ code: 0 });
  });

  it('that are cut end with an error after the lines before the cut', async () => {
    const follow = kubectl().start(['logs', '-f', 'counter']);
    await follow.waitFor(tick);
    const startAgain = await killAgent(cluster(), 'node-2');
    expect(await follow.result).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(tick),
      stderr: 'error: unexpected EOF\n',
    });
    await startAgain();
  });
});
