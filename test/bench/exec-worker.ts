import { built } from './built.js';
import { serve } from './worker.js';

const { startLab } = await built<typeof import('../../src/lab/start-lab.js')>('lab/start-lab.js');

/** Resolves with the kubeconfig of the lab. A request is a number of execs, one after the other: what each took, ms. */
serve(async () => {
  const lab = await startLab();
  const handle = async (count: number): Promise<number[]> => {
    const tookMs: number[] = [];
    for (let done = 0; done < count; done += 1) {
      const startedAt = performance.now();
      await lab.exec('web-1', ['true']);
      tookMs.push(performance.now() - startedAt);
    }
    return tookMs;
  };
  return { hello: lab.kubeconfig, handle };
});
