import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { describeEachKubectl, type KubectlResult, type RunOptions } from '../support/kubectl.js';
import { isOldestOrNewest, useCluster, useKubectl } from './cluster.js';

const cluster = useCluster();
const standard = ['counter', 'echo', 'pair', 'shell', 'web-1', 'web-2'];

const manifest = (text: string, replicas: number): string => `
apiVersion: v1
kind: ConfigMap
metadata: {name: made, labels: {test: all}}
data: {text: ${text}}
---
apiVersion: v1
kind: Pod
metadata: {name: made, labels: {test: all, text: ${text}}}
spec: {containers: [{name: main, image: konnsim/shell}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: made, labels: {test: all}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: made}}
  template:
    metadata: {labels: {app: made}}
    spec: {containers: [{name: web, image: konnsim/web, ports: [{containerPort: 8080, name: http}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: made, labels: {test: all}}
spec: {selector: {app: made}, ports: [{port: 80, targetPort: http}]}
`;

function sameNames(some: readonly string[], others: readonly string[]): boolean {
  return some.join(' ') === others.join(' ');
}

describeEachKubectl('the life of a pod', (binary) => {
  const kubectl = useKubectl(binary, cluster);
  const full = isOldestOrNewest(binary);
  let folder = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'konnsim-lifecycle-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  // Restores the lab for the next test, also when this one has failed.
  afterEach(async () => {
    if (!full || sameNames(await podNames(), standard)) return;
    const others = ['deploy/site', 'svc/site', 'deploy/made', 'svc/made', 'cm/made', 'deploy/moving'];
    const pods = (await podNames()).filter((name) => !standard.includes(name)).map((name) => `pod/${name}`);
    const wanted = ['--ignore-not-found', '--grace-period=0', '--force', '--wait=false'];
    await kubectl().run(['delete', ...others, ...pods, ...wanted]);
    await expect.poll(() => podNames()).toEqual(standard);
  });

  async function output(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const result = await kubectl().run(args, options);
    expect(result, `${args.join(' ')}: ${result.stderr}`).toMatchObject({ code: 0 });
    return result.stdout;
  }

  async function podNames(): Promise<string[]> {
    const text = await output(['get', 'pods', '-o', 'jsonpath={.items[*].metadata.name}']);
    return text.split(' ').filter((name) => name !== '');
  }

  /** Requests the web server of a deployment or service through a forwarded port. */
  async function pageOf(target: string, port: number): Promise<string> {
    const forward = kubectl().start(['port-forward', target, `:${port}`]);
    const [, local] = await forward.waitFor(/127\.0\.0\.1:(\d+)/);
    const answer = await fetch(`http://127.0.0.1:${local}/`, { headers: { connection: 'close' } });
    const page = await answer.text();
    await forward.stop();
    return page;
  }

  it.runIf(full)('runs a pod until it is deleted, and shows its phases', async () => {
    const watch = kubectl().start(['get', 'pods', '-l', 'run=single', '-w', '--no-headers']);
    await expect.poll(() => cluster().openStreams().watch).toBe(1);
    await output(['run', 'single', '--image=any', '--env=WHO=me']);
    await output(['wait', '--for=condition=Ready', 'pod/single', '--timeout=25s']);
    expect(await output(['exec', 'single', '--', 'sh', '-c', 'echo $WHO; hostname'])).toBe('me\nsingle\n');
    await output(['delete', 'pod', 'single', '--timeout=25s']);
    await watch.waitFor(/Error/);
    const { stdout } = await watch.stop();
    const phases = stdout.split('\n').map((line) => line.split(/ +/)[2] ?? '');
    const order = ['Pending', 'ContainerCreating', 'Running', 'Terminating', 'Error'];
    expect(phases.filter((phase, index) => phase !== '' && phase !== phases[index - 1])).toEqual(order);
  });

  it.runIf(full)('attaches to a pod that it runs, and ends with its exit code', async () => {
    const script = 'read line; echo "got $line"; exit 3';
    const common = ['--rm', '--image=any', '--restart=Never'];
    const piped = await kubectl().run(['run', 'piped', '-i', ...common, '--', 'sh', '-c', script], {
      stdin: 'hello\n',
    });
    expect(piped).toMatchObject({ code: 3, stdout: expect.stringContaining('got hello\n') });
    const typed = kubectl().start(['run', 'typed', '-it', ...common], { terminal: true });
    await typed.waitFor(/try pressing enter/);
    typed.child.stdin.write('hostname; exit 4\r');
    const result: KubectlResult = await typed.result;
    expect(result).toMatchObject({ code: 4, stdout: expect.stringMatching(/\r\ntyped\r\n/) });
  });

  it.runIf(full)('keeps the log of a pod that has completed', async () => {
    const script = 'echo out; echo err >&2';
    await output(['run', 'brief', '--image=any', '--restart=Never', '--', 'sh', '-c', script]);
    await expect
      .poll(() => output(['get', 'pod', 'brief', '--no-headers']))
      .toMatch(/^brief +0\/1 +Completed +0 /);
    expect((await output(['logs', 'brief'])).split('\n').sort()).toEqual(['', 'err', 'out']);
    await output(['delete', 'pod', 'brief']);
  });

  it.runIf(full)('shows why a pod fails, and what it said', async () => {
    const main = { name: 'main', image: 'any', command: ['sh', '-c', 'echo "on $NODE"; exit 1'] };
    const spec = {
      initContainers: [{ name: 'first', image: 'any', command: ['true'] }],
      containers: [
        {
          ...main,
          env: [{ name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
          livenessProbe: { exec: { command: ['true'] } },
        },
      ],
    };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'failing' }, spec };
    const stdin = JSON.stringify(pod);
    await output(['create', '-f', '-'], { stdin });
    await expect
      .poll(() => output(['get', 'pod', 'failing', '--no-headers']))
      .toMatch(/^failing +0\/1 +CrashLoopBackOff +\d+ /);
    for (const previous of [[], ['-p'], ['-f']])
      expect(await output(['logs', 'failing', ...previous])).toMatch(/^on node-\d\n$/);
    // A kubelet sends events beside its work, and one behind the other.
    for (const event of [
      /Normal +Started +.* +kubelet +Started container first/,
      /Normal +Created +.*\(x\d+ over .*\) +kubelet +Created container: main/,
      /Warning +BackOff +.* +Back-off restarting failed container main in pod failing_/,
      /NotSimulated +.*spec\.containers\{main\}\.livenessProbe\n/,
    ])
      await expect.poll(() => output(['describe', 'pod', 'failing'])).toMatch(event);
    await output(['delete', 'pod', 'failing', '--timeout=25s']);
  });

  it.runIf(full)('rolls a deployment out, scales it, and reaches its pods', async () => {
    await output(['create', 'deployment', 'site', '--image=konnsim/web', '--replicas=2', '--port=8080']);
    await output(['rollout', 'status', 'deploy/site', '--timeout=25s']);
    await output(['scale', 'deploy/site', '--replicas=3']);
    await output(['rollout', 'status', 'deploy/site', '--timeout=25s']);
    expect(await output(['get', 'deploy', 'site', '--no-headers'])).toMatch(/^site +3\/3 +3 +3 /);
    await output(['expose', 'deploy/site', '--port=80', '--target-port=8080']);
    expect(await pageOf('deploy/site', 8080)).toMatch(/^pod: site-/);
    expect(await pageOf('svc/site', 80)).toMatch(/^pod: site-/);
    const [pod = ''] = (await podNames()).filter((name) => name.startsWith('site-'));
    const [near, back] = [join(folder, 'near'), join(folder, 'back')];
    await writeFile(near, 'to and fro');
    await output(['cp', near, `${pod}:/tmp/far`]);
    await output(['cp', `${pod}:/tmp/far`, back]);
    expect(await readFile(back, 'utf8')).toBe('to and fro');
    await output(['delete', 'svc/site', 'deploy/site']);
  });

  it.runIf(full)('applies a file of objects, its change, and deletes them', async () => {
    const file = join(folder, 'all.yaml');
    await writeFile(file, manifest('one', 1));
    await output(['apply', '-f', file]);
    await output(['rollout', 'status', 'deploy/made', '--timeout=25s']);
    await output(['wait', '--for=condition=Ready', 'pod/made', '--timeout=25s']);
    await writeFile(file, manifest('two', 2));
    expect((await output(['apply', '-f', file])).split('\n').sort()).toEqual([
      '',
      'configmap/made configured',
      'deployment.apps/made configured',
      'pod/made configured',
      'service/made unchanged',
    ]);
    await output(['rollout', 'status', 'deploy/made', '--timeout=25s']);
    expect(await output(['get', 'pods', '-l', 'text=two', '-o', 'name'])).toBe('pod/made\n');
    expect(await output(['get', 'endpoints', 'made', '--no-headers'])).toMatch(/:8080,\S+:8080/);
    await output(['delete', '-f', file]);
    expect(await output(['get', 'all,cm', '-l', 'test=all', '-o', 'name'])).toBe('');
  });

  it.runIf(full)('debugs a pod from inside, and a node', async () => {
    await output(['run', 'sick', '--image=konnsim/web']);
    await output(['wait', '--for=condition=Ready', 'pod/sick', '--timeout=25s']);
    const shell = ['debug', 'sick', '-it', '--image=any', '-c', 'doctor', '--target=sick'];
    const debug = kubectl().start(shell, { terminal: true });
    await debug.waitFor(/try pressing enter/);
    debug.child.stdin.write('hostname; exit\r');
    expect(await debug.result).toMatchObject({ code: 0, stdout: expect.stringMatching(/\r\nsick\r\n/) });
    const path = 'jsonpath={.status.ephemeralContainerStatuses[0].state.terminated.exitCode}';
    await expect.poll(() => output(['get', 'pod', 'sick', '-o', path])).toBe('0');
    await output(['delete', 'pod', 'sick']);
    const node = kubectl().start(['debug', 'node/node-2', '-it', '--image=any'], { terminal: true });
    await node.waitFor(/try pressing enter/);
    node.child.stdin.write('echo on $((1 + 1)); exit\r');
    expect(await node.result).toMatchObject({ code: 0, stdout: expect.stringMatching(/\r\non 2\r\n/) });
    const [debugger_ = ''] = (await podNames()).filter((name) => name.startsWith('node-debugger-'));
    expect(await output(['get', 'pod', debugger_, '-o', 'jsonpath={.spec.nodeName} {.status.podIP}'])).toBe(
      'node-2 10.0.1.12',
    );
    await output(['delete', 'pod', debugger_]);
  });

  it.runIf(full)('drains a node: its pods end, and those of a deployment start on another node', async () => {
    await output(['create', 'deployment', 'moving', '--image=any', '--replicas=2']);
    await output(['rollout', 'status', 'deploy/moving', '--timeout=25s']);
    await output(['drain', 'node-2', '--pod-selector=app=moving', '--timeout=25s']);
    await output(['rollout', 'status', 'deploy/moving', '--timeout=25s']);
    const nodes = await output([
      'get',
      'pods',
      '-l',
      'app=moving',
      '-o',
      'jsonpath={.items[*].spec.nodeName}',
    ]);
    expect(nodes).toBe('node-1 node-1');
    await output(['uncordon', 'node-2']);
    await output(['delete', 'deploy/moving']);
  });

  it.runIf(full)('keeps what kubectl created when its kubelet starts again', async () => {
    await output(['run', 'tough', '--image=any']);
    await output(['wait', '--for=condition=Ready', 'pod/tough', '--timeout=25s']);
    const node = await output(['get', 'pod', 'tough', '-o', 'jsonpath={.spec.nodeName}']);
    await cluster().lab.part(`kubelet/${node}`).restart();
    expect(await output(['exec', 'tough', '--', 'hostname'])).toBe('tough\n');
    const restarts = 'jsonpath={.status.containerStatuses[0].restartCount}';
    await expect.poll(() => output(['get', 'pod', 'tough', '-o', restarts])).toBe('1');
    await output(['delete', 'pod', 'tough']);
  });
});
