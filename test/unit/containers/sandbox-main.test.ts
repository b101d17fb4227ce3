import { afterEach, describe, expect, it } from 'vitest';
import type { LogRequest } from '../../../src/containers/runtime.js';
import type { SandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import type { Container } from '../../../src/kube/pod-objects.js';
import { Client, collect, main, sandbox, testPod } from './support.js';

let open: SandboxRuntime[] = [];
afterEach(async () => {
  await Promise.all(open.map((runtime) => runtime.close()));
  open = [];
});

function start(container: Partial<Container>, restartPolicy: string): SandboxRuntime {
  const { runtime } = sandbox([testPod([{ name: 'main', image: 'any', ...container }], { restartPolicy })]);
  open.push(runtime);
  return runtime;
}

const status = (runtime: SandboxRuntime) => runtime.listPods()[0]?.status;
const log = async (runtime: SandboxRuntime, options: Partial<LogRequest> = {}): Promise<string> =>
  collect(
    await runtime.logs(
      { ...main, follow: false, previous: false, timestamps: false, ...options },
      new AbortController().signal,
    ),
  );

describe('a container whose spec names a command', () => {
  it('runs it: its output is the log, and its end is the end of the container', async () => {
    const runtime = start({ command: ['sh', '-c'], args: ['echo out; echo err >&2; exit 3'] }, 'Never');
    await expect.poll(() => status(runtime)?.phase).toBe('Failed');
    expect(status(runtime)?.containerStatuses).toMatchObject([
      { ready: false, restartCount: 0, state: { terminated: { exitCode: 3, reason: 'Error' } } },
    ]);
    expect(await log(runtime)).toBe('out\nerr\n');
    expect(await log(runtime, { stream: 'stdout' })).toBe('out\n');
    expect(await log(runtime, { stream: 'stderr' })).toBe('err\n');
    expect(await log(runtime, { stream: 'stderr', limitBytes: 2 })).toBe('er');
  });

  it('passes on the input of an attached client, and its end', async () => {
    const container = { args: ['sh', '-c', 'read line; echo "got $line"'], stdin: true, stdinOnce: true };
    const runtime = start(container, 'Never');
    const client = new Client();
    const { stdin, stdout, stderr, signal } = client;
    const attached = runtime.attach(main, { stdin, stdout, stderr, signal });
    stdin.end('hello\n');
    expect(await attached).toEqual({ kind: 'exit', code: 0 });
    expect(client.out).toBe('got hello\n');
    expect(status(runtime)?.phase).toBe('Succeeded');
  });

  it('restarts it at once the first time, then after a pause', async () => {
    const runtime = start({ command: ['false'] }, 'Always');
    await expect
      .poll(() => status(runtime)?.containerStatuses[0]?.state)
      .toMatchObject({
        waiting: { reason: 'CrashLoopBackOff' },
      });
    expect(status(runtime)).toMatchObject({
      phase: 'Running',
      containerStatuses: [{ restartCount: 1, lastState: { terminated: { exitCode: 1 } } }],
    });
  });

  it('reports a missing command', async () => {
    const runtime = start({ command: ['no-such-program'] }, 'Never');
    await expect
      .poll(() => status(runtime)?.containerStatuses[0]?.state)
      .toMatchObject({
        terminated: { exitCode: 128, reason: 'StartError' },
      });
  });
});
