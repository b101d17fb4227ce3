import { expect, it } from 'vitest';
import { describeEachKubectl, type KubectlProcess } from '../support/kubectl.js';
import { useCluster, useKubectl } from './cluster.js';

/** One API server behind an address of its own, so that clients reach it through a link. */
const cluster = useCluster({ nodes: 1, apiservers: 1 });

/** Commands that stay open, and what they show before they are quiet. */
const commands = {
  'exec -i': { args: ['exec', '-i', 'web-1', '--', 'sh', '-c', 'echo ready; cat'], shows: /ready/ },
  'logs -f': { args: ['logs', '-f', 'web-1'], shows: /listening/ },
  'get -w': { args: ['get', 'pods', '-w'], shows: /web-1/ },
} as const;

describeEachKubectl('a balancer that ends what is idle on the leg of the client', (binary) => {
  const kubectl = useKubectl(binary, cluster);
  const webSocket = binary.minor >= 30;
  const endings = [
    [
      'exec -i',
      'fin',
      webSocket ? 1 : 0,
      webSocket ? /close 1006 \(abnormal closure\): unexpected EOF/ : /^$/,
    ],
    ['exec -i', 'reset', webSocket ? 1 : 0, webSocket ? /read: connection reset by peer/ : /^$/],
    ['logs -f', 'fin', 1, /^error: unexpected EOF$/m],
    ['logs -f', 'reset', 1, /^error: read tcp .*: read: connection reset by peer$/m],
    ['get -w', 'fin', 0, /^$/],
    ['get -w', 'reset', 0, /^$/],
  ] as const;

  it.each(endings)('%s, %s', async (name, action, code, stderr) => {
    const { args, shows } = commands[name];
    const running: KubectlProcess = kubectl().start(args);
    await running.waitFor(shows);
    using fault = cluster()
      .lab.link('client/any', 'apiserver/*')
      .fault({
        when: { idleFor: '2s' },
        do: action,
      });
    const result = await running.result;
    expect(fault.hits).toBeGreaterThan(0);
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(stderr);
  });
});
