import { beforeAll, expect, it } from 'vitest';
import { describeEachKubectl, type KubectlResult } from '../support/kubectl.js';
import { preferredProtocol, reviveParts, useCluster, useKubectl } from './cluster.js';
import { type Situation, situations } from './situations.js';

/** So fast that 30 s pass in 10, and so slow that no limit of 10 s ends on a busy machine. */
const timeScale = 3;
const cluster = useCluster({ timeScale });
const metadata = (name: string): object => ({ name, namespace: 'default' });

const objects = [
  {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: metadata('far') },
    spec: { nodeName: 'node-9', containers: [{ name: 'c', image: 'konnsim/shell' }] },
  },
  {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: metadata('ticks') },
    spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'konnsim/counter' }] },
  },
  {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: metadata('empty') },
    spec: { ports: [{ port: 443 }], selector: { app: 'nothing' } },
  },
];

function wordsOf({ stderr }: KubectlResult): string {
  return stderr
    .split('\n')
    .filter((line) => line !== '' && !/^[EWI]\d{4} /.test(line))
    .join('\n')
    .replaceAll('10.0.1.11', 'HOST')
    .replace(/dial unix \S+\.sock:/, 'dial unix SOCKET:');
}

describeEachKubectl('what kubectl shows', (binary) => {
  const recorded = [29, 33].includes(binary.minor);
  const kubectl = useKubectl(binary, cluster);
  beforeAll(async () => {
    if (!recorded) return;
    const stdin = objects.map((object) => JSON.stringify(object)).join('\n---\n');
    expect((await kubectl().run(['apply', '-f', '-'], { stdin })).stderr).toBe('');
  });

  it.runIf(recorded).each(situations.map((row) => [row.name, row] as const))('%s', async (_name, row) => {
    const { result, tookMs } = await ask(row);
    const way = preferredProtocol(binary, 'exec') === 'spdy' ? 'spdy' : 'webSocket';
    const says = typeof row.says === 'string' ? row.says : row.says[way];
    expect([result.code, wordsOf(result)]).toEqual([row.exit, says]);
    if (row.afterS !== undefined) expect(tookMs).toBeGreaterThanOrEqual(row.afterS * 1000);
    await reviveParts(cluster().lab);
  });

  /** `tookMs` is lab time since the kill. */
  async function ask({
    asks,
    killed,
    begun,
  }: Situation): Promise<{ readonly result: KubectlResult; readonly tookMs: number }> {
    const running = begun === undefined ? undefined : kubectl().start(asks);
    if (begun !== undefined) await running?.waitFor(begun);
    const startedAt = performance.now();
    if (killed !== undefined) await cluster().lab.part(killed).kill();
    const result = await (running?.result ?? kubectl().run(asks));
    return { result, tookMs: (performance.now() - startedAt) * timeScale };
  }
});
