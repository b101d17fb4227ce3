import { setMaxListeners } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import type { LogRequest } from '../../../src/containers/runtime.js';
import type { SandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import { collect, main, sandbox, settled, startTimeMs, testPod } from './support.js';

const request: LogRequest = { ...main, follow: false, previous: false, timestamps: false };
const never = new AbortController().signal;
setMaxListeners(0, never);

let open: SandboxRuntime[] = [];
afterEach(async () => {
  await Promise.all(open.map((runtime) => runtime.close()));
  open = [];
});

/** A counter that has ticked `seconds` times. */
function counting(seconds: number): ReturnType<typeof sandbox> {
  const box = sandbox([testPod([{ name: 'main', image: 'konnsim/counter:1' }])]);
  open.push(box.runtime);
  for (let second = 0; second < seconds; second++) box.clock.advance(1000);
  return box;
}

const read = async (runtime: SandboxRuntime, options: Partial<LogRequest> = {}): Promise<string> =>
  collect(await runtime.logs({ ...request, ...options }, never));

describe('logs', () => {
  it('are what the program has written, oldest first', async () => {
    const { runtime } = counting(2);
    expect(await read(runtime)).toBe('1: 2026-01-02T03:04:06Z tick\n2: 2026-01-02T03:04:07Z tick\n');
  });

  it('can carry the time of each line', async () => {
    const { runtime } = counting(1);
    expect(await read(runtime, { timestamps: true })).toBe(
      '2026-01-02T03:04:06.000000000Z 1: 2026-01-02T03:04:06Z tick\n',
    );
  });

  it('can start at the last lines or at a time, and stop after a number of bytes', async () => {
    const { runtime } = counting(5);
    expect((await read(runtime, { tailLines: 2 })).match(/^\d/gm)).toEqual(['4', '5']);
    expect(await read(runtime, { tailLines: 0 })).toBe('');
    expect((await read(runtime, { tailLines: 99 })).match(/^\d/gm)).toHaveLength(5);
    expect((await read(runtime, { sinceTimeMs: startTimeMs + 4000 })).match(/^\d/gm)).toEqual(['4', '5']);
    expect(await read(runtime, { limitBytes: 10 })).toBe('1: 2026-01');
  });

  it('continue for a follower until it leaves', async () => {
    const { runtime, clock } = counting(1);
    const leaving = new AbortController();
    const chunks = (await runtime.logs({ ...request, follow: true }, leaving.signal))[Symbol.asyncIterator]();
    const next = async (): Promise<string> => Buffer.from((await chunks.next()).value ?? []).toString();
    expect(await next()).toMatch(/^1: .* tick\n$/);
    const second = next();
    await settled();
    clock.advance(1000);
    expect(await second).toMatch(/^2: .* tick\n$/);
    const third = chunks.next();
    leaving.abort();
    expect(await third).toEqual({ done: true, value: undefined });
  });

  it('end for a follower with the container', async () => {
    const { runtime, clock } = counting(1);
    const all = read(runtime, { follow: true });
    await settled();
    clock.advance(1000);
    runtime.restartContainer(main);
    clock.advance(1000);
    expect((await all).match(/^\d/gm)).toEqual(['1', '2']);
  });

  it('reach many followers, fast and slow', async () => {
    const { runtime, clock } = counting(0);
    const followers = Array.from({ length: 50 }, () => read(runtime, { follow: true }));
    for (let second = 0; second < 20; second++) {
      clock.advance(1000);
      if (second % 7 === 0) await settled();
    }
    await runtime.close();
    const texts = await Promise.all(followers);
    expect(new Set(texts).size).toBe(1);
    expect(texts[0]?.match(/tick\n/g)).toHaveLength(20);
  });

  it('of the previous run exist only after a restart', async () => {
    const { runtime, clock } = counting(2);
    const previous = { ...request, previous: true };
    await expect(runtime.logs(previous, never)).rejects.toMatchObject({
      code: 'LOGS_UNAVAILABLE',
      message: 'previous terminated container "main" in pod "web-0" not found',
    });
    runtime.restartContainer(main);
    clock.advance(1000);
    expect((await read(runtime, { previous: true })).match(/^\d/gm)).toEqual(['1', '2']);
    expect(await read(runtime)).toBe('1: 2026-01-02T03:04:08Z tick\n');
  });

  it('stay readable after the container has ended for good', async () => {
    const { runtime } = counting(2);
    runtime.stopContainer(main, { exitCode: 0 });
    expect((await read(runtime, { follow: true })).match(/^\d/gm)).toEqual(['1', '2']);
  });

  it('are refused with the texts of a kubelet', async () => {
    const waiting = (reason: string) => {
      const pod = testPod([{ name: 'main', image: 'busybox' }]);
      const status = {
        ...{ name: 'main', image: 'busybox', imageID: '', containerID: '', ready: false, started: false },
        ...{ restartCount: 0, state: { waiting: { reason } }, lastState: {} },
      };
      const box = sandbox([{ ...pod, status: { ...pod.status, containerStatuses: [status] } }]);
      open.push(box.runtime);
      return box.runtime.logs(request, never);
    };
    const refused = (message: string) => expect.objectContaining({ code: 'LOGS_UNAVAILABLE', message });
    const subject = 'container "main" in pod "web-0" is waiting to start: ';
    await expect(waiting('ContainerCreating')).rejects.toEqual(refused(`${subject}ContainerCreating`));
    await expect(waiting('ErrImagePull')).rejects.toEqual(refused(`${subject}image can't be pulled`));
    await expect(waiting('ImagePullBackOff')).rejects.toEqual(
      refused(`${subject}trying and failing to pull image`),
    );
    const { runtime } = counting(0);
    await expect(runtime.logs({ ...request, pod: 'p' }, never)).rejects.toMatchObject({
      code: 'POD_NOT_FOUND',
      message: 'pod "p" does not exist',
    });
    await expect(runtime.logs({ ...request, container: 'c' }, never)).rejects.toMatchObject({
      code: 'CONTAINER_NOT_FOUND',
      message: 'container "c" not found in pod "web-0"',
    });
  });
});
