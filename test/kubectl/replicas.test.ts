import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab } from '../../src/index.js';
import { createKubectl, describeEachKubectl, type Kubectl } from '../support/kubectl.js';
import { waitMs } from '../support/waits.js';
import { isOldestOrNewest } from './cluster.js';

describeEachKubectl('three API servers', (binary) => {
  describe.runIf(isOldestOrNewest(binary))('and a kubectl that watches', () => {
    let lab: Lab;
    let kubectl: Kubectl;

    beforeAll(async () => {
      lab = await startLab({ nodes: 1, apiservers: 3 });
      process.stderr.write(`seed ${lab.seed}\n`);
      kubectl = await createKubectl(binary, lab.kubeconfig);
    });
    afterAll(async () => {
      await kubectl.close();
      await lab.stop();
    });

    /** A watch that has brought a change, and the replica that serves it. */
    async function watching(): Promise<{ process: ReturnType<Kubectl['start']>; name: string }> {
      const since = lab.mark();
      const process = kubectl.start(['get', 'pods', 'web-1', '--watch', '-v=1']);
      const watch = { kind: 'request.started', verb: 'watch', path: '*/pods' } as const;
      const { node } = await lab.waitFor(watch, { since, withinMs: waitMs });
      // A request that has no answer yet would be repeated elsewhere.
      await kubectl.run(['label', 'pod', 'web-1', `seen=at-${since}`, '--overwrite']);
      await process.waitFor(/web-1[^]*web-1/);
      return { process, name: node };
    }

    /** Its output without the feature gates. */
    function said(stderr: string): string {
      return stderr.replaceAll(/^.* envvar\.go.*\n/gm, '');
    }

    it('ends with the replica that dies, reports it, and works with the next one', async () => {
      const { process, name } = await watching();
      await lab.part(name).kill();
      const { stderr, code } = await process.result;
      expect([code, said(stderr)]).toEqual([0, expect.stringContaining('nexpected EOF')]);
      expect((await kubectl.run(['get', 'pods'])).code).toBe(0);
      await lab.part(name).start();
    });

    it('ends normally and without a message during a rolling restart, and no command fails meanwhile', async () => {
      const { process } = await watching();
      const rolled = (async () => {
        for (const number of [1, 2, 3]) await lab.apiserver(number).roll({ delayMs: 300 });
      })();
      let done = false;
      void rolled.then(() => {
        done = true;
      });
      let runs = 0;
      do {
        runs += 1;
        expect(await kubectl.run(['get', 'pods'])).toMatchObject({ code: 0, stderr: '' });
      } while (!done);
      await rolled;
      const { stderr, code } = await process.result;
      expect([code, said(stderr)]).toEqual([0, '']);
      expect(runs).toBeGreaterThan(1);
    });

    it('runs a command through each of them', async () => {
      const mark = lab.mark();
      for (let run = 0; run < 3; run++) {
        const { stdout } = await kubectl.run(['exec', 'web-1', '--', 'hostname']);
        expect(stdout).toBe('web-1\n');
      }
      const served = lab.events().filter((event) => event.seq > mark && event.kind === 'dial.established');
      expect(new Set(served.map(({ node }) => node)).size).toBeGreaterThan(1);
    });
  });
});
