import { expect, it } from 'vitest';
import { describeEachKubectl } from '../support/kubectl.js';
import { isOldestOrNewest, useCluster, useKubectl } from './cluster.js';

const lines = 1_600_000;
const patience = { timeoutMs: 200_000 };

/** Lines whose number does not follow that of the line before. */
function gaps(numbers: readonly number[]): readonly number[] {
  return numbers.filter((number, at) => at > 0 && number !== (numbers[at - 1] ?? 0) + 1);
}

for (const runtime of ['sandbox', 'process'] as const) {
  const cluster = useCluster({ runtime, nodes: 1 });

  describeEachKubectl(`logs of a fast container of the runtime ${runtime}`, (binary) => {
    if (!isOldestOrNewest(binary) || binary.minor < 30) {
      it.skip('are tried with the newest kubectl only', () => undefined);
      return;
    }
    const kubectl = useKubectl(binary, cluster);

    it('may begin late, and have no gap', { timeout: 250_000 }, async () => {
      const { lab } = cluster();
      const run = [
        'run',
        'fast',
        '--image=any',
        '--restart=Never',
        '--command',
        '--',
        'seq',
        '1',
        `${lines}`,
      ];
      expect(await kubectl().run(run, patience)).toMatchObject({ code: 0 });
      const started = { kind: 'role.started', node: 'container/default/fast/fast' } as const;
      await lab.waitFor(started, { withinMs: 60_000 });
      const commands = [['-f'], [], ['--timestamps=false'], ['--tail=-1']];
      const results = await Promise.all(
        commands.map((flags) => kubectl().run(['logs', 'fast', ...flags], patience)),
      );
      results.push(await kubectl().run(['logs', 'fast'], patience));
      const read = results.map(({ stdout }) => stdout.split('\n').slice(0, -1).map(Number));
      for (const numbers of read) expect(gaps(numbers)).toEqual([]);
      expect(read[0]?.at(-1)).toBe(lines);
      expect(read.at(-1)?.at(-1)).toBe(lines);
      expect(read.at(-1)?.[0]).toBeGreaterThan(1);
    });
  });
}
