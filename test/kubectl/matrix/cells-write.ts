import { expect } from 'vitest';
import { type Cell, type CellBench, remove, runPod, succeed, useShell } from './cell.js';

const configMap = (name: string, value: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {k: ${value}}\n`;

const deployment = (name: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: 2
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: web, image: konnsim/web}]}
`;

async function applyAll(bench: CellBench, name: string): Promise<void> {
  const apply = (stdin: string): Promise<string> => succeed(bench, ['apply', '-f', '-'], { stdin });
  const tried = await succeed(bench, ['apply', '--dry-run=server', '-f', '-'], {
    stdin: configMap(name, 'one'),
  });
  expect(tried).toBe(`configmap/${name} created (server dry run)\n`);
  expect(await apply(configMap(name, 'one'))).toBe(`configmap/${name} created\n`);
  expect(await apply(configMap(name, 'two'))).toBe(`configmap/${name} configured\n`);
  expect(await apply(configMap(name, 'two'))).toBe(`configmap/${name} unchanged\n`);
  expect(await succeed(bench, ['get', 'cm', name, '-o', 'jsonpath={.data.k}'])).toBe('two');
  expect(await apply(deployment(name))).toBe(`deployment.apps/${name} created\n`);
  const rolled = await succeed(bench, ['rollout', 'status', `deploy/${name}`, '--timeout=40s']);
  expect(rolled).toContain('successfully rolled out');
}

const apply: Cell = {
  name: 'apply',
  coveredBy: 'lifecycle.test.ts',
  async run(bench) {
    const name = bench.name('applied');
    try {
      await applyAll(bench, name);
    } finally {
      await remove(bench, `deploy/${name}`, `cm/${name}`);
      await bench.kubectl.run(['wait', 'pods', '-l', `app=${name}`, '--for=delete', '--timeout=30s']);
    }
  },
};

const deletePod: Cell = {
  name: 'delete',
  coveredBy: 'lifecycle.test.ts',
  async run(bench) {
    const name = bench.name('deleted');
    await runPod(bench, name);
    const said = await succeed(bench, ['delete', 'pod', name, '--grace-period=1']);
    expect(said).toMatch(new RegExp(`^pod "${name}" deleted`));
    const { stderr } = await bench.kubectl.run(['get', 'pod', name]);
    expect(stderr).toBe(`Error from server (NotFound): pods "${name}" not found\n`);
  },
};

/** Ends a shell that is the main process of a container. */
async function leave(bench: CellBench, args: readonly string[], code: number): Promise<string> {
  const shell = bench.kubectl.start(args, { terminal: true, timeoutMs: 90_000 });
  await useShell(shell);
  shell.child.stdin.write(`exit ${code}\n`);
  const result = await shell.result;
  expect(result.timedOut, result.stdout).toBe(false);
  return `${result.stdout}\nexit code ${result.code}\n`;
}

const runAttached: Cell = {
  name: 'run --rm -it',
  coveredBy: 'lifecycle.test.ts',
  stream: 'attach',
  async run(bench) {
    const name = bench.name('ran');
    const args = ['run', name, '--rm', '-it', '--image=konnsim/shell', '--restart=Never'];
    try {
      const screen = await leave(bench, args, 5);
      expect(screen).toMatch(new RegExp(`pod "${name}" deleted`));
      expect(screen).toMatch(/exit code 5\n$/);
      expect((await bench.kubectl.run(['get', 'pod', name])).code).toBe(1);
    } finally {
      await remove(bench, `pod/${name}`);
    }
  },
};

const debugArgs = (name: string): readonly string[] => [
  'debug',
  name,
  '-it',
  '--image=konnsim/shell',
  '--container=helper',
  '--target=' + name,
];

const debugEphemeral: Cell = {
  name: 'debug ephemeral',
  coveredBy: 'lifecycle.test.ts',
  stream: 'attach',
  // Before 1.22 kubectl reads and writes pods/NAME/ephemeralcontainers as a kind that Kubernetes removed in 1.22.
  release: ({ minor }) => (minor < 22 ? '1.21.14' : undefined),
  async run(bench) {
    const name = bench.name('debugged');
    try {
      await runPod(bench, name);
      await leave(bench, debugArgs(name), 0);
      const shown = await succeed(bench, ['get', 'pod', name, '-o', 'json']);
      expect(JSON.parse(shown)).toMatchObject({
        spec: {
          ephemeralContainers: [{ name: 'helper', image: 'konnsim/shell', targetContainerName: name }],
        },
        status: { ephemeralContainerStatuses: [{ name: 'helper' }] },
      });
    } finally {
      await remove(bench, `pod/${name}`);
    }
  },
};

const debugNode: Cell = {
  name: 'debug node',
  coveredBy: 'lifecycle.test.ts',
  stream: 'attach',
  async run(bench) {
    const debuggers = async (): Promise<readonly string[]> => {
      const pods = (await succeed(bench, ['get', 'pods', '-o', 'name'])).split('\n');
      return pods.filter((pod) => pod.startsWith('pod/node-debugger-node-1-'));
    };
    try {
      const screen = await leave(bench, ['debug', 'node/node-1', '-it', '--image=konnsim/shell'], 0);
      expect(screen).toMatch(
        /Creating debugging pod node-debugger-node-1-\w+ with container debugger on node node-1/,
      );
      const [pod = ''] = await debuggers();
      const made = JSON.parse(await succeed(bench, ['get', pod, '-o', 'json']));
      expect(made).toMatchObject({ spec: { nodeName: 'node-1', hostNetwork: true, hostPID: true } });
    } finally {
      await remove(bench, ...(await debuggers()));
    }
  },
};

export const writeCells: readonly Cell[] = [apply, deletePod, runAttached, debugEphemeral, debugNode];
