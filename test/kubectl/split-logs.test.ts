import { beforeAll, expect, it } from 'vitest';
import { describeEachKubectl } from '../support/kubectl.js';
import { each } from '../support/waits.js';
import { useCluster, useKubectl } from './cluster.js';

const cluster = useCluster({ kubelet: { featureGates: { PodLogsQuerySplitStreams: true } } });
beforeAll(async () => {
  // The counter logs once a second: wait for its fourth line.
  let text = '';
  for await (const part of each(cluster().lab.logs('counter', { follow: true }), 'line of the log')) {
    text += Buffer.from(part).toString();
    if (/^4: .*\n/m.test(text)) break;
  }
});

describeEachKubectl('logs of kubelets that tell outputs apart', (binary) => {
  const kubectl = useKubectl(binary, cluster);

  it('are printed for a single stream on request', async () => {
    const raw = (query: string) =>
      kubectl().run(['get', '--raw', `/api/v1/namespaces/default/pods/counter/log?${query}`]);
    // The counter writes its odd ticks to one output and its even ones to the other.
    const numbers = async (query: string): Promise<(string | undefined)[]> =>
      [...(await raw(query)).stdout.matchAll(/^\d+/gm)].map(([number]) => number).slice(0, 2);
    expect(await numbers('stream=Stdout')).toEqual(['1', '3']);
    expect(await numbers('stream=Stderr')).toEqual(['2', '4']);
    expect(await numbers('stream=All')).toEqual(['1', '2']);
  });
});
