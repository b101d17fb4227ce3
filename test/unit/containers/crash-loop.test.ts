import { afterEach, describe, expect, it } from 'vitest';
import { toRun } from '../../../src/kubelet-stub/pod-source/pod-status.js';
import { Bench, podWith, runtimeNames, sh } from './both-runtimes.js';

const backOff = (delay: string) => ({
  waiting: {
    reason: 'CrashLoopBackOff',
    message: `back-off ${delay} restarting failed container=main pod=web-0_default(uid-web-0)`,
  },
});

describe.each(runtimeNames)('a container of the %s runtime that ends again and again', (kind) => {
  let bench: Bench;
  afterEach(() => bench.close());

  it('waits longer each time, says so, and shows the log of its last run', async () => {
    bench = await Bench.start(kind, [podWith(sh('echo run; exit 1'))]);
    const delays = ['10s', '20s', '40s', '1m20s', '2m40s', '5m0s', '5m0s'];
    for (const [index, delay] of delays.entries()) {
      await bench.sees(() => bench.status(), { restartCount: index + 1, state: backOff(delay) });
      expect(bench.status()).toMatchObject({
        ready: false,
        started: false,
        containerID: expect.stringMatching(/^konnsim:\/\/[0-9a-f]{64}$/),
        lastState: {
          terminated: { exitCode: 1, reason: 'Error', containerID: bench.status().containerID },
        },
      });
      expect(bench.pod().status.phase).toBe('Running');
      for (const previous of [false, true]) expect(await bench.log({ previous })).toBe('run\n');
      if (index < 4) bench.clock.advance(10_000 * 2 ** index);
      else bench.clock.advance(300_000);
    }
  });

  it('gives each of its runs under plain and previous, with all options of logs', async () => {
    bench = await Bench.start(kind, [podWith(sh('echo one; echo two; exit 1'))]);
    await bench.sees(() => bench.status().state, backOff('10s'));
    expect(await bench.log({ follow: true })).toBe('one\ntwo\n');
    expect(await bench.log({ tailLines: 1 })).toBe('two\n');
    expect(await bench.log({ previous: true, tailLines: 1 })).toBe('two\n');
    expect(await bench.log({ timestamps: true })).toMatch(/^2026-\S+Z one\n2026-\S+Z two\n$/);
    expect(bench.runtime.logFiles().map(({ restartCount }) => restartCount)).toEqual([1, 0]);
  });

  it('has no previous log after its only run', async () => {
    bench = await Bench.start(kind, [podWith(sh('echo run; exit 1'), { restartPolicy: 'Never' })]);
    await bench.sees(() => bench.pod().status.phase, 'Failed');
    expect(bench.status()).toMatchObject({ restartCount: 0, state: { terminated: { exitCode: 1 } } });
    expect(await bench.log()).toBe('run\n');
    await expect(bench.log({ previous: true })).rejects.toMatchObject({
      message: 'previous terminated container "main" in pod "web-0" not found',
    });
  });

  it('is restarted at once on demand, also while it waits', async () => {
    bench = await Bench.start(kind, [podWith(sh('exit 1'))]);
    await bench.sees(() => bench.status().state, backOff('10s'));
    bench.runtime.restartContainer({ namespace: 'default', pod: 'web-0', container: 'main' });
    await bench.sees(() => bench.status(), { restartCount: 2, state: backOff('20s') });
  });

  it('keeps its number of restarts when its kubelet starts anew', async () => {
    bench = await Bench.start(kind, [podWith(sh('exit 1'))]);
    await bench.sees(() => bench.status().state, backOff('10s'));
    const before = bench.pod();
    await bench.close();
    const { hostIP, podIP } = before.status;
    bench = await Bench.start(kind, [toRun(before, { hostIP, podIP, now: '2026-01-01T00:00:00Z' })]);
    await bench.sees(() => bench.status(), { restartCount: 3, state: backOff('10s') });
  });

  it('says that it could not be started, until it is tried again, and has an empty log', async () => {
    bench = await Bench.start(kind, [podWith({ command: ['/no/such'] })]);
    const message = expect.stringMatching(
      /exec: "\/no\/such": stat \/no\/such: no such file or directory: unknown$/,
    );
    const state = { waiting: { reason: 'RunContainerError', message } };
    const end = { exitCode: 128, reason: 'StartError', message, startedAt: '1970-01-01T00:00:00Z' };
    const seen: string[] = [];
    for (const restartCount of [0, 1]) {
      await bench.sees(
        () => {
          seen.push(bench.pod().status.phase, Object.keys(bench.status().state).join());
          return bench.status();
        },
        { restartCount, ready: false, state, lastState: { terminated: end } },
      );
      expect(bench.status()).toMatchObject({ containerID: expect.stringMatching(/^konnsim:.{60}/) });
      expect(bench.status().lastState).toMatchObject({
        terminated: { containerID: bench.status().containerID },
      });
      expect(await bench.log()).toBe('');
    }
    await bench.sees(() => bench.status(), { restartCount: 1, state: backOff('10s') });
    expect(seen).not.toContain('running');
  });

  it('rests under OnFailure after a success', async () => {
    bench = await Bench.start(kind, [podWith(sh('exit 0'), { restartPolicy: 'OnFailure' })]);
    await bench.sees(() => bench.pod().status.phase, 'Succeeded');
    expect(bench.status()).toMatchObject({ restartCount: 0, lastState: {} });
  });
});
