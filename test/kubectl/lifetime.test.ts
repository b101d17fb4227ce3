import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { describeEachKubectl } from '../support/kubectl.js';
import { waitMs } from '../support/waits.js';
import { isOldestOrNewest, killAgent, useCluster, useKubectl } from './cluster.js';

const cluster = useCluster({ runtime: 'process', nodes: 1 });

describeEachKubectl('commands and their clients', (binary) => {
  if (!isOldestOrNewest(binary)) {
    it.skip('is tried with the oldest and the newest kubectl only', () => undefined);
    return;
  }
  const kubectl = useKubectl(binary, cluster);

  it.each([
    ['echo hi', 'hi\n', 0],
    ['echo hi; exit 7', 'hi\n', 7],
    ['seq 1 20000 | tail -n 1; seq 1 20000', /^20000\n1\n2\n[^]*\n20000\n/, 0],
    ['echo out > /dev/stdout', 'out\n', 0],
  ])('run --rm -i shows all of a short container: %s', async (script, out, code) => {
    for (let turn = 0; turn < 5; turn++) {
      const args = ['run', `short-${turn}`, '--rm', '-i', '--restart=Never', '--image=any', '--'];
      const ran = await kubectl().run([...args, 'sh', '-c', script]);
      const said = ran.stdout.replace(/pod "short-\d" deleted.*\n/, '');
      expect({ said, code: ran.code }).toEqual({
        said: typeof out === 'string' ? out : expect.stringMatching(out),
        code,
      });
    }
  });

  it('run -i gives the container all of its input', async () => {
    const args = ['run', 'counts', '--rm', '-i', '--restart=Never', '--image=any', '--', 'wc', '-c'];
    const ran = await kubectl().run(args, { stdin: Buffer.alloc(3_000_000, 'x') });
    expect(ran.stdout).toMatch(/^3000000\n/);
  });

  it('a command continues when kubectl is killed, and when the agent is killed', async () => {
    const { lab } = cluster();
    for (const end of ['kubectl', 'agent'] as const) {
      let startAgain = async (): Promise<void> => undefined;
      const { stdout: folder } = await kubectl().run(['exec', 'web-1', '--', 'pwd']);
      const file = `${folder.trim()}/left-${end}`;
      const mark = lab.mark();
      const script = `echo ready; sleep 1; echo more; echo done > left-${end}`;
      const running = kubectl().start(['exec', 'web-1', '--', 'sh', '-c', script]);
      await running.waitFor(/ready/);
      if (end === 'kubectl') await running.stop('SIGKILL');
      else startAgain = await killAgent(cluster(), 'node-1');
      await expect.poll(() => readFile(file, 'utf8').catch(() => '')).toBe('done\n');
      // A translated WebSocket goes on between API and kubelet without its client: the kubelet sees nothing of it.
      const isKept = end === 'kubectl' && binary.minor >= 31;
      const kind = isKept ? 'request.finished' : 'command.ended';
      await lab.waitFor({ kind, node: 'kubelet/node-1', exitCode: 0 }, { since: mark, withinMs: waitMs });
      await running.result;
      await startAgain();
    }
  });
});
