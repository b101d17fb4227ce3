import { afterEach, describe, expect, it } from 'vitest';
import type { SandboxOptions, SandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import type { EventBody } from '../../../src/core/events.js';
import type { Container } from '../../../src/kube/pod-objects.js';
import { Client, collect, main, run, sandbox, settled, testPod } from './support.js';

let open: SandboxRuntime[] = [];
afterEach(async () => {
  await Promise.all(open.map((runtime) => runtime.close()));
  open = [];
});

function start(
  container: Partial<Container> = {},
  restartPolicy?: string,
  options: Partial<SandboxOptions> = {},
): ReturnType<typeof sandbox> {
  const pod = testPod(
    [{ name: 'main', image: 'busybox', ...container }],
    restartPolicy ? { restartPolicy } : {},
  );
  const box = sandbox([pod], options);
  open.push(box.runtime);
  return box;
}

const status = (runtime: SandboxRuntime) => runtime.listPods()[0]?.status;
const log = async (runtime: SandboxRuntime): Promise<string> =>
  collect(
    await runtime.logs(
      { ...main, follow: false, previous: false, timestamps: false },
      new AbortController().signal,
    ),
  );

describe('the status of a pod', () => {
  it('shows what is running, and since when', () => {
    const { runtime } = start();
    expect(status(runtime)).toMatchObject({
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [
        {
          ...{ name: 'main', ready: true, restartCount: 0, lastState: {} },
          containerID: expect.stringMatching(/^konnsim:\/\/[0-9a-f]{64}$/),
          state: { running: { startedAt: '2026-01-02T03:04:05Z' } },
        },
      ],
    });
  });

  it('counts restarts and remembers how the last run ended', async () => {
    const { runtime, clock } = start();
    const [before] = status(runtime)?.containerStatuses ?? [];
    await run(runtime, ['tee', '/tmp/f'], 'gone after a restart');
    clock.advance(60_000);
    runtime.restartContainer(main, { exitCode: 1 });
    const [after] = status(runtime)?.containerStatuses ?? [];
    expect(after).toMatchObject({
      restartCount: 1,
      state: { running: { startedAt: '2026-01-02T03:05:05Z' } },
      lastState: {
        terminated: {
          ...{ exitCode: 1, reason: 'Error' },
          ...{ startedAt: '2026-01-02T03:04:05Z', finishedAt: '2026-01-02T03:05:05Z' },
        },
      },
    });
    expect(after?.containerID).not.toBe(before?.containerID);
    expect((await run(runtime, ['cat', '/tmp/f'])).result).toEqual({ kind: 'exit', code: 1 });
  });

  it('shows a container that has ended, in which no command can run', async () => {
    const { runtime } = start();
    runtime.stopContainer(main, { exitCode: 0 });
    expect(status(runtime)).toMatchObject({
      phase: 'Succeeded',
      conditions: [{ type: 'Ready', status: 'False' }],
      containerStatuses: [{ ready: false, state: { terminated: { exitCode: 0, reason: 'Completed' } } }],
    });
    await expect(run(runtime, ['ls'])).rejects.toMatchObject({ message: 'container not found ("main")' });
  });

  it('follows pods that are added and removed', () => {
    const { runtime } = start();
    runtime.addPod(testPod([{ name: 'main', image: 'busybox' }], {}, 'late'));
    expect(runtime.listPods().map(({ metadata }) => metadata.name)).toEqual(['web-0', 'late']);
    expect(() => runtime.addPod(testPod([], {}, 'late'))).toThrow('pod "late" already exists');
    void runtime.removePod('default', 'late');
    expect(runtime.listPods()).toHaveLength(1);
    expect(() => runtime.removePod('default', 'late')).toThrow('pod does not exist');
  });
});

describe('programs', () => {
  it('of unknown images idle after one line', async () => {
    const { runtime, clock } = start();
    clock.advance(60_000);
    expect(await log(runtime)).toBe('main: started, image busybox\n');
  });

  it('report their start and end', async () => {
    const events: EventBody[] = [];
    const { runtime } = start({ image: 'konnsim/counter' }, undefined, {
      emit: (event) => void events.push(event),
    });
    await runtime.close();
    expect(events).toMatchObject([
      { kind: 'role.started', node: 'container/default/web-0/main' },
      { kind: 'role.stopped', node: 'container/default/web-0/main', text: 'Error, exit code 137' },
    ]);
  });

  it('keep no timer after close', async () => {
    const { runtime, clock } = start({ image: 'konnsim/counter' });
    expect(clock.pendingTimers).toBe(1);
    await runtime.close();
    await runtime.close();
    expect(clock.pendingTimers).toBe(0);
    expect(runtime.listPods()).toEqual([]);
  });
});

describe('attach', () => {
  it('follows both outputs from now on, until the container ends', async () => {
    const { runtime, clock } = start({ image: 'konnsim/counter' });
    clock.advance(1000);
    const client = new Client();
    const { stdout, stderr, signal } = client;
    const done = runtime.attach(main, { stdout, stderr, signal });
    await settled();
    clock.advance(1000);
    clock.advance(1000);
    await client.sees('3: 2026-01-02T03:04:08Z tick\n');
    runtime.restartContainer(main);
    expect(await done).toEqual({ kind: 'exit', code: 0 });
    await settled();
    expect(client.out).toBe('');
    expect(client.err).toBe('2: 2026-01-02T03:04:07Z tick\n');
  });

  it('ends with its client; the container keeps running', async () => {
    const { runtime } = start({ image: 'konnsim/counter' });
    const client = new Client();
    const done = runtime.attach(main, { stdout: client.stdout, signal: client.signal });
    await settled();
    client.abort();
    expect(await done).toEqual({ kind: 'exit', code: 0 });
    expect(status(runtime)).toMatchObject({ phase: 'Running', containerStatuses: [{ restartCount: 0 }] });
  });

  it.each([
    ['Always', 3, { phase: 'Running', containerStatuses: [{ restartCount: 1 }] }],
    ['OnFailure', 0, { phase: 'Succeeded', containerStatuses: [{ restartCount: 0 }] }],
    ['Never', 3, { phase: 'Failed', containerStatuses: [{ state: { terminated: { exitCode: 3 } } }] }],
  ])('to a shell is its main process: exit ends it, restart policy %s', async (policy, code, expected) => {
    const { runtime } = start({ image: 'konnsim/shell', stdin: true, tty: true }, policy);
    expect(runtime.hasTerminal(main)).toBe(true);
    const client = new Client();
    const done = runtime.attach(main, client);
    await client.sees('/ # ');
    client.stdin.write(`echo logged; exit ${code}\r`);
    expect(await done).toEqual({ kind: 'exit', code: 0 });
    expect(status(runtime)).toMatchObject(expected);
    const request = { ...main, follow: false, timestamps: false, previous: policy === 'Always' };
    expect(await collect(await runtime.logs(request, client.signal))).toContain('\r\nlogged\r\n');
  });

  it('to a shell can be left; the container keeps running', async () => {
    const { runtime } = start({ image: 'konnsim/shell', stdin: true });
    const client = new Client();
    const done = runtime.attach(main, client);
    client.stdin.write('echo here\n');
    await client.sees('here\n');
    client.abort();
    await done;
    expect(status(runtime)).toMatchObject({ phase: 'Running', containerStatuses: [{ restartCount: 0 }] });
  });
});

describe('close', () => {
  it('ends execs, attaches and followers of all containers', async () => {
    const { runtime, clock } = start({ image: 'konnsim/counter' });
    const exec = run(runtime, ['sleep', '100']);
    const shell = runtime.exec({ ...main, command: ['sh'], tty: false }, new Client());
    const attach = runtime.attach(main, { signal: new AbortController().signal });
    const follow = collect(
      await runtime.logs(
        { ...main, follow: true, previous: false, timestamps: false },
        new AbortController().signal,
      ),
    );
    await settled();
    await runtime.close();
    expect((await exec).result).toEqual({ kind: 'exit', code: 137 });
    expect(await shell).toEqual({ kind: 'exit', code: 137 });
    expect(await attach).toEqual({ kind: 'exit', code: 0 });
    expect(await follow).toBe('');
    expect(clock.pendingTimers).toBe(0);
    expect(() => runtime.checkContainer(main)).toThrow('pod does not exist');
  });
});
