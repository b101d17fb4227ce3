import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { BackOff } from '../../../src/containers/back-off.js';
import type { ProcessRuntime } from '../../../src/containers/process/process-runtime.js';
import { ManualClock } from '../../../src/core/clock.js';
import type { Container, Pod } from '../../../src/kube/pod-objects.js';
import { once } from '../../support/waits.js';
import { TextSink } from './bench.js';
import { ownChildren, podOf, processesWith, ref, run, sh, startProcesses } from './process-support.js';

const command = (script: string): Partial<Container> => ({ command: sh(script) });
const never = new AbortController().signal;

describe('a container of the process runtime', () => {
  let runtime: ProcessRuntime | undefined;
  afterEach(async () => {
    await runtime?.close();
    expect(existsSync(runtime?.folder ?? '')).toBe(false);
    expect(await ownChildren()).toEqual([]);
    runtime = undefined;
  });

  async function start(
    pod: Pod,
    options: Parameters<typeof startProcesses>[1] = {},
  ): Promise<ProcessRuntime> {
    runtime = await startProcesses(pod, options);
    return runtime;
  }

  const main = (): Pod['status']['containerStatuses'][number] => {
    const [status] = runtime?.listPods()[0]?.status.containerStatuses ?? [];
    if (status === undefined) throw new Error('no container');
    return status;
  };

  async function logText(options: { previous?: boolean; timestamps?: boolean } = {}): Promise<string> {
    const request = { ...ref, follow: false, previous: false, timestamps: false, ...options };
    let all = '';
    for await (const chunk of (await runtime?.logs(request, never)) ?? [])
      all += Buffer.from(chunk).toString();
    return all;
  }

  it('pauses when its spec has no command', async () => {
    await start(podOf({}));
    expect(main()).toMatchObject({ ready: true, state: { running: {} } });
    expect(await runtime?.usage()).toMatchObject([
      { name: 'web-0', containers: [{ name: 'main', processes: 1, memoryBytes: expect.any(Number) }] },
    ]);
  });

  it('writes its output to the log, with the time of each line', async () => {
    await start(podOf(command('echo one; echo two >&2; sleep 1000')));
    await expect.poll(() => logText()).toMatch(/one\ntwo\n|two\none\n/);
    expect(await logText({ timestamps: true })).toMatch(/^\d{4}-\d\d-\d\dT[\d:]+\.\d{9}Z (one|two)\n/);
  });

  it('measures what its processes use', async () => {
    await start(podOf(command('head -c 5000 /dev/zero > file; while :; do :; done')));
    await expect
      .poll(async () => (await runtime?.usage())?.[0]?.containers[0]?.cpuSeconds ?? 0)
      .toBeGreaterThan(0.05);
    const [usage] = (await runtime?.usage())?.[0]?.containers ?? [];
    expect(usage).toMatchObject({ processes: 1, threads: 1, files: { usedBytes: 5000, entries: 1 } });
    expect(usage?.memoryBytes).toBeGreaterThan(100_000);
  });

  it('is restarted when it ends: at once, then after longer and longer pauses', async () => {
    await start(podOf(command('echo run; exit 3')));
    await expect
      .poll(() => main().state)
      .toMatchObject({
        waiting: {
          reason: 'CrashLoopBackOff',
          message: expect.stringContaining('back-off 10s restarting failed'),
        },
      });
    expect(main()).toMatchObject({
      restartCount: 1,
      ready: false,
      lastState: { terminated: { exitCode: 3 } },
    });
    expect(await logText({ previous: true })).toBe('run\n');
    const backOff = new BackOff();
    expect([1, 2, 3, 4, 5, 6, 7].map(() => backOff.next(0) / 1000)).toEqual([0, 10, 20, 40, 80, 160, 300]);
    expect(backOff.next(600_000)).toBe(0);
  });

  it.each([
    ['Never', 3, 'Failed', 'Error'],
    ['OnFailure', 0, 'Succeeded', 'Completed'],
  ])('under restart policy %s stays ended after code %d', async (restartPolicy, code, phase, reason) => {
    await start(podOf(command(`exit ${code}`), { restartPolicy }));
    await expect.poll(() => runtime?.listPods()[0]?.status.phase).toBe(phase);
    expect(main()).toMatchObject({ restartCount: 0, state: { terminated: { exitCode: code, reason } } });
  });

  it('says why it could not be started', async () => {
    await start(podOf({ command: ['no-such-program'] }, { restartPolicy: 'Never' }));
    expect(main().state).toMatchObject({
      terminated: {
        exitCode: 128,
        reason: 'StartError',
        message: expect.stringContaining('not found in $PATH'),
      },
    });
  });

  it.each([
    [{ env: [{ name: 'X', value: 'x'.repeat(200_000) }] }, 'exec: "sleep": argument list too long: unknown'],
    [{ workingDir: `/${'a'.repeat(300)}` }, `: mkdir /${'a'.repeat(300)}: file name too long: unknown`],
  ])('says in the words of Go what the system refuses', async (container, text) => {
    await start(podOf(container, { restartPolicy: 'Never' }));
    expect(main().state).toMatchObject({ terminated: { message: expect.stringContaining(text) } });
    expect(JSON.stringify(main())).not.toContain(tmpdir());
  });

  it('is killed and restarted on demand, and keeps the previous log', async () => {
    await start(podOf(command('date +%s%N; sleep 1000')));
    await expect.poll(() => logText()).toMatch(/^\d+\n$/);
    const before = await logText();
    runtime?.restartContainer(ref);
    await expect.poll(() => main().restartCount).toBe(1);
    // On a busy machine the old log may still be there for a moment.
    const isNew = async (): Promise<boolean> => /^\d+\n$/.test((await logText()).replace(before, ''));
    await expect.poll(isNew).toBe(true);
    expect(await logText({ previous: true })).toBe(before);
    expect(main().lastState).toMatchObject({ terminated: { exitCode: 137, reason: 'Error' } });
  });

  it('ends all its processes, including those that left its session and its environment', async () => {
    const script = 'setsid sleep 97531 & env -i setsid sleep 97532 & sleep 97533 & sleep 97534 & sleep 1000';
    await start(podOf(command(script), { restartPolicy: 'Never' }));
    await expect.poll(() => processesWith('sleep\u00009753')).toHaveLength(4);
    const [pid = 0] = await processesWith(script);
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => main().state).toMatchObject({ terminated: { exitCode: 137 } });
    const left = await processesWith('sleep\u00009753');
    // A process that left session, environment and parent cannot be found.
    expect(left.length).toBeLessThanOrEqual(1);
    for (const stray of left) process.kill(stray, 'SIGKILL');
    expect(await processesWith(script)).toEqual([]);
  });

  it('leaves no orphan and no zombie when the runtime closes, even if a process ignores SIGTERM', async () => {
    const script =
      'trap "" TERM HUP; setsid sleep 86421 & (trap "" TERM; sleep 86422) & while :; do sleep 0.1; done';
    await start(podOf(command(script)), { closeGraceMs: 100 });
    void run(runtime as ProcessRuntime, sh('trap "" TERM; sleep 86423; true'));
    await expect.poll(() => processesWith('sleep\u00008642')).toHaveLength(3);
    await runtime?.close();
    expect(await processesWith('sleep\u00008642')).toEqual([]);
    expect(await ownChildren()).toEqual([]);
  });

  it('may end by itself within its grace period', async () => {
    const script = 'trap "echo bye; exit 0" TERM; echo up; while :; do sleep 0.02; done';
    await start(podOf(command(script)));
    await expect.poll(() => logText()).toBe('up\n');
    let last = '';
    const following = (async () => {
      const chunks = await runtime?.logs({ ...ref, follow: true, previous: false, timestamps: false }, never);
      for await (const chunk of chunks ?? []) last += Buffer.from(chunk).toString();
    })();
    await runtime?.removePod('default', 'web-0', 10_000);
    await following;
    // The shell may print a message about the end of its child.
    expect(last.replace('Terminated\n', '')).toBe('up\nbye\n');
    expect(() => runtime?.checkContainer(ref)).toThrow('pod does not exist');
  });

  it('sends its output to an attached client, and reads the client’s input', async () => {
    await start(
      podOf({ ...command('while read line; do echo "got $line"; done; echo over; sleep 1000'), stdin: true }),
    );
    const [stdin, stdout] = [new PassThrough(), new TextSink()];
    const abort = new AbortController();
    const attached = runtime?.attach(ref, { stdin, stdout, signal: abort.signal });
    stdin.write('this\n');
    await expect.poll(() => stdout.text).toBe('got this\n');
    stdin.end();
    abort.abort();
    await attached;
    expect(main().state).toHaveProperty('running');
    const second = new PassThrough();
    const again = new TextSink();
    const abortAgain = new AbortController();
    const reattached = runtime?.attach(ref, { stdin: second, stdout: again, signal: abortAgain.signal });
    second.write('that\n');
    await expect.poll(() => again.text).toBe('got that\n');
    abortAgain.abort();
    await reattached;
  });

  it('refuses attaches after its end, with its log complete; the first client sees the output from the start', async () => {
    for (let turn = 0; turn < 20; turn++) {
      await start(podOf(command('seq 1 20000; echo over >&2'), { restartPolicy: 'Never' }));
      const [stdout, stderr] = [new TextSink(), new TextSink()];
      const attached = await runtime
        ?.attach(ref, { stdout, stderr, signal: new AbortController().signal })
        .catch(String);
      const isRefused = typeof attached === 'string' || attached?.kind === 'error';
      if (!isRefused) expect([stdout.text.length, stderr.text]).toEqual([108_894, 'over\n']);
      await expect.poll(() => logText()).toMatch(/^1\n[^]*\n20000\n/);
      await runtime?.close();
    }
  });

  it('refuses attaches and execs after its main process has ended, while its other processes are being killed', async () => {
    const clock = new ManualClock();
    // A process that left the session is killed later; the next search waits for the clock.
    const script =
      'setsid sh -c "touch up; exec sleep 98763" & while [ ! -e up ]; do sleep 0.05; done; echo said';
    const box = await start(podOf(command(script), { restartPolicy: 'Never' }), { clock });
    await expect.poll(() => clock.pendingTimers).toBe(1);
    const streams = { stdout: new TextSink(), signal: never };
    const attempts = [box.attach(ref, streams), box.exec({ ...ref, command: ['true'], tty: false }, streams)];
    const tick = setInterval(() => clock.advance(5), 1);
    const refused = { kind: 'error', message: 'container is in CONTAINER_EXITED state' };
    expect(await Promise.all(attempts)).toEqual([refused, refused]);
    clearInterval(tick);
    expect(await logText()).toBe('said\n');
  });

  it('with a terminal is controlled by attached clients, and ends when they end it', async () => {
    await start(podOf({ image: 'konnsim/shell', stdin: true, tty: true }));
    const [stdin, stdout] = [new PassThrough(), new TextSink()];
    const attached = runtime?.attach(ref, { stdin, stdout, signal: never });
    stdin.write('echo $((6 * 7))\r');
    await expect.poll(() => stdout.text).toMatch(/42\r\n/);
    stdin.write('exit 3\r');
    await attached;
    await expect.poll(() => main().restartCount).toBe(1);
    expect(main().lastState).toMatchObject({ terminated: { exitCode: 3 } });
  });

  it('with stdinOnce ends its input after the first client', async () => {
    await start(podOf({ ...command('cat; echo over; sleep 1000'), stdin: true, stdinOnce: true }));
    const stdin = new PassThrough();
    const abort = new AbortController();
    const attached = runtime?.attach(ref, { stdin, stdout: new TextSink(), signal: abort.signal });
    stdin.end('word\n');
    await expect.poll(() => logText()).toBe('word\nover\n');
    abort.abort();
    await attached;
  });

  it('forwards to its port on this host, and words a closed port as a container runtime', async () => {
    await start(podOf({}));
    const server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const connection = await runtime?.portForward({ ...ref, port }, never);
    connection?.end('ping');
    expect(connection && (await text(connection))).toBe('ping');
    server.close();
    await once(server, 'close');
    await expect(runtime?.portForward({ ...ref, port }, never)).rejects.toMatchObject({
      code: 'PORT_CLOSED',
      message: expect.stringContaining(`dial tcp4 127.0.0.1:${port}: connect: connection refused`),
    });
  });

  it('starts after its init containers, which run one after the other until they succeed', async () => {
    const initContainers = [
      { name: 'first', image: 'x', command: sh('echo 1; exit 0') },
      { name: 'second', image: 'x', command: sh('echo 2') },
    ];
    await start(podOf({}, { initContainers }));
    await expect.poll(() => runtime?.listPods()[0]?.status.phase).toBe('Running');
    expect(runtime?.listPods()[0]?.status.initContainerStatuses).toMatchObject([
      { name: 'first', state: { terminated: { exitCode: 0, reason: 'Completed' } } },
      { name: 'second', state: { terminated: { exitCode: 0 } } },
    ]);
    await runtime?.close();
    await start(
      podOf(
        {},
        { initContainers: [{ name: 'bad', image: 'x', command: ['false'] }], restartPolicy: 'Never' },
      ),
    );
    await expect.poll(() => runtime?.listPods()[0]?.status.phase).toBe('Failed');
    expect(main().state).toEqual({ waiting: { reason: 'PodInitializing' } });
  });

  it('gets an additional debugging container, which is not restarted', async () => {
    const pod = podOf({});
    await start(pod);
    const ephemeralContainers = [{ name: 'debug', image: 'x', command: sh('echo here; exit 5') }];
    runtime?.updatePod({ ...pod, spec: { ...pod.spec, ephemeralContainers } });
    await expect
      .poll(() => runtime?.listPods()[0]?.status.ephemeralContainerStatuses)
      .toMatchObject([{ name: 'debug', restartCount: 0, state: { terminated: { exitCode: 5 } } }]);
    expect(main().ready).toBe(true);
  });

  it('waits for its back-off by the clock of the lab, and stops waiting when it is stopped', async () => {
    const clock = new ManualClock();
    const [pod] = [podOf(command('exit 1'))];
    runtime = await startProcesses(pod, { clock });
    const tick = setInterval(() => clock.advance(5), 1);
    await expect.poll(() => main().restartCount).toBe(1);
    await expect.poll(() => main().restartCount).toBe(2);
    const closing = runtime.close();
    await closing;
    clearInterval(tick);
    expect(await readdir('/proc/self/task')).not.toEqual([]);
  });
});
