import { expect } from 'vitest';
import { type Cell, type CellBench, remove, runPod, succeed } from './cell.js';

const get: Cell = {
  name: 'get',
  coveredBy: 'get.test.ts',
  async run(bench) {
    const table = await succeed(bench, ['get', 'pods', '-o', 'wide', '--no-headers']);
    expect(table).toMatch(/^web-1 +1\/1 +Running .* node-1 /m);
    const pod = JSON.parse(await succeed(bench, ['get', 'pod', 'web-1', '-o', 'json']));
    expect(pod).toMatchObject({ kind: 'Pod', spec: { nodeName: 'node-1' }, status: { phase: 'Running' } });
    expect(await succeed(bench, ['get', 'nodes,svc,deploy', '-o', 'name'])).toContain('service/web\n');
  },
};

const getWatch: Cell = {
  name: 'get -w',
  coveredBy: 'get.test.ts',
  async run(bench) {
    const name = bench.name('watched');
    const watch = bench.kubectl.start(['get', 'configmaps', '-w', '--no-headers']);
    try {
      // An object that is made before the watch begins is in its list, so it is shown in any case.
      await succeed(bench, ['create', 'configmap', name, '--from-literal=a=b']);
      await watch.waitFor(new RegExp(`^${name} +1 `, 'm'));
      await succeed(bench, ['delete', 'configmap', name]);
      await watch.waitFor(new RegExp(`(^${name} .*\\n[^]*){2}`, 'm'));
    } finally {
      await watch.stop();
      await remove(bench, `configmap/${name}`);
    }
  },
};

const describePod: Cell = {
  name: 'describe',
  coveredBy: 'get.test.ts',
  async run(bench) {
    expect(await succeed(bench, ['describe', 'pod', 'pair'])).toMatch(/^Node:\s+node-2\/10\.0\.1\.12$/m);
    expect(await succeed(bench, ['describe', 'node', 'node-1'])).toMatch(/^Non-terminated Pods:/m);
    expect(await succeed(bench, ['describe', 'svc', 'web'])).toMatch(/^Selector:\s+app=web$/m);
  },
};

const tick = /^\d+: \S+ tick$/m;

const logs: Cell = {
  name: 'logs',
  coveredBy: 'logs.test.ts',
  async run(bench) {
    expect(await succeed(bench, ['logs', 'counter', '--tail=1'])).toMatch(tick);
    const times = await succeed(bench, ['logs', 'counter', '--tail=1', '--timestamps']);
    expect(times).toMatch(/^\d{4}-\d\d-\d\dT\S+Z \d+: \S+ tick$/m);
  },
};

const logsFollow: Cell = {
  name: 'logs -f',
  coveredBy: 'logs.test.ts',
  async run({ kubectl }) {
    const follow = kubectl.start(['logs', '-f', 'counter', '--tail=1']);
    await follow.waitFor(/(\d+: \S+ tick\n){3}/);
    await follow.stop();
  },
};

/** The pod that the table's suite restarts before anything else. */
export const restartedPod = 'web-2';

const logsPrevious: Cell = {
  name: 'logs --previous',
  coveredBy: 'logs.test.ts',
  async run(bench) {
    await succeed(bench, ['logs', restartedPod, '--previous']);
    const { code, stderr } = await bench.kubectl.run(['logs', 'echo', '--previous']);
    expect(stderr).toContain('previous terminated container "echo" in pod "echo" not found');
    expect(code).toBe(1);
  },
};

const wait: Cell = {
  name: 'wait',
  async run(bench) {
    const name = bench.name('waited');
    try {
      await waitFor(bench, name);
    } finally {
      await remove(bench, `pod/${name}`);
    }
  },
};

async function waitFor(bench: CellBench, name: string): Promise<void> {
  await runPod(bench, name);
  const gone = bench.kubectl.run(['wait', `pod/${name}`, '--for=delete', '--timeout=30s']);
  await succeed(bench, ['delete', 'pod', name, '--grace-period=1', '--wait=false']);
  expect(await gone).toMatchObject({ code: 0 });
  const never = await bench.kubectl.run(['wait', 'pod/web-1', '--for=condition=Never', '--timeout=1s']);
  expect(never.stderr).toMatch(/timed out waiting for the condition on pods\/web-1/);
  expect(never.code).toBe(1);
}

export const readCells: readonly Cell[] = [get, describePod, getWatch, logs, logsFollow, logsPrevious, wait];
