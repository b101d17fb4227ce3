import { afterEach, describe, expect, it } from 'vitest';
import { podColumns } from '../../../src/apiserver/resources/pod-columns.js';
import type { Container, Pod } from '../../../src/kube/pod-objects.js';
import { conditionsOf, toRun } from '../../../src/kubelet-stub/pod-source/pod-status.js';
import { within } from '../../support/waits.js';
import { Bench, podWith, runtimeNames, sh } from './both-runtimes.js';
import { startTimeMs } from './support.js';

const container = (name: string, script: string, more: Partial<Container> = {}): Container => ({
  ...{ name, image: 'any' },
  ...sh(script),
  ...more,
});
const sidecar = (name: string, script: string): Container =>
  container(name, script, { restartPolicy: 'Always' });
/** Runs until it is told to end. */
const lasting = 'trap "exit 0" TERM; while :; do sleep 0.05; done';

/** READY, STATUS and RESTARTS of kubectl. */
function row(pod: Pod): string {
  const conditions = conditionsOf(pod, [], '2026-01-01T00:00:00Z');
  const shown = { ...pod, status: { ...pod.status, conditions } };
  const cell = (name: string): string =>
    String(podColumns.find((column) => column.name === name)?.cell(shown as never, startTimeMs));
  return [cell('Ready'), cell('Status'), cell('Restarts').replace(/ \(.*/, '')].join(' ');
}

describe.each(runtimeNames)('the containers of a pod in the %s runtime', (kind) => {
  let bench: Bench;
  afterEach(() => bench.close());
  const start = async (
    initContainers: readonly Container[],
    main: Partial<Container> = sh(lasting),
    spec: Partial<Pod['spec']> = {},
  ): Promise<void> => {
    bench = await Bench.start(kind);
    bench.runtime.addPod(podWith(main, { initContainers, ...spec }));
  };
  const shown = (): string => row(bench.pod());
  const conditions = () =>
    Object.fromEntries(conditionsOf(bench.pod(), [], '').map(({ type, ...rest }) => [type, rest]));
  const end = (name: string): void =>
    bench.runtime.restartContainer({ namespace: 'default', pod: 'web-0', container: name }, { exitCode: 0 });

  it('wait for init containers, which run one after the other', async () => {
    const gate = (name: string) => container(name, `echo ${name}; sleep 1000`);
    await start([container('one', 'echo one; exit 0'), gate('two')]);
    await bench.sees(() => 'running' in bench.status('two').state, true);
    expect(shown()).toBe('0/1 Init:1/2 0');
    expect(bench.pod().status.phase).toBe('Pending');
    expect(bench.status('one')).toMatchObject({ ready: true, state: { terminated: { exitCode: 0 } } });
    expect(bench.status('two')).toMatchObject({ ready: false, state: { running: {} } });
    expect(bench.status().state).toEqual({ waiting: { reason: 'PodInitializing' } });
    expect(await bench.log({ container: 'one' })).toBe('one\n');
    expect(conditions()).toMatchObject({
      Initialized: {
        ...{ status: 'False', reason: 'ContainersNotInitialized' },
        message: 'containers with incomplete status: [two]',
      },
      Ready: {
        ...{ status: 'False', reason: 'ContainersNotReady' },
        message: 'containers with unready status: [main]',
      },
    });
    await expect(bench.log()).rejects.toMatchObject({
      message: 'container "main" in pod "web-0" is waiting to start: PodInitializing',
    });
  });

  it('start when the last init container has succeeded', async () => {
    await start([container('one', 'exit 0'), { name: 'two', image: 'any' }]);
    await bench.sees(shown, '1/1 Running 0');
    expect(conditions()).toMatchObject({ Initialized: { status: 'True' }, Ready: { status: 'True' } });
  });

  it('do not start while an init container fails again and again', async () => {
    await start([container('one', 'echo bad; exit 1'), container('two', 'exit 0')]);
    await bench.sees(shown, '0/1 Init:CrashLoopBackOff 1');
    expect(bench.pod().status.phase).toBe('Pending');
    expect(await bench.log({ container: 'one' })).toBe('bad\n');
    expect(bench.status('two').state).toEqual({ waiting: { reason: 'PodInitializing' } });
  });

  it('never start when an init container has failed that is not run again', async () => {
    const main = sh('echo never');
    await start([sidecar('side', lasting), container('one', 'exit 3')], main, { restartPolicy: 'Never' });
    await bench.sees(() => bench.pod().status.phase, 'Failed');
    await bench.sees(() => 'terminated' in bench.status('side').state, true);
    expect(shown()).toBe('0/2 Init:Error 0');
    expect(bench.status().state).toEqual({ waiting: { reason: 'PodInitializing' } });
    expect(conditions()).toMatchObject({ Ready: { status: 'False', reason: 'PodFailed' } });
  });

  it('run beside sidecars, which are restarted whatever the restart policy says', async () => {
    await start([sidecar('side', lasting), container('one', 'exit 0')], sh(lasting), {
      restartPolicy: 'Never',
    });
    await bench.sees(shown, '2/2 Running 0');
    end('side');
    await bench.sees(shown, '2/2 Running 1');
    expect(conditions()).toMatchObject({ Initialized: { status: 'True' } });
  });

  it('have started when their sidecar has run once, even if it ends soon', async () => {
    await start([sidecar('side', 'exit 1')]);
    await bench.sees(shown, '1/2 Init:CrashLoopBackOff 1');
    expect(bench.pod().status.phase).toBe('Running');
  });

  it('wait for a sidecar that cannot be started', async () => {
    await start([{ name: 'side', image: 'any', command: ['no-such'], restartPolicy: 'Always' }]);
    await bench.sees(shown, '0/2 Init:RunContainerError 0');
    await bench.sees(shown, '0/2 Init:CrashLoopBackOff 1');
    expect(bench.pod().status.phase).toBe('Pending');
    expect(bench.status().state).toEqual({ waiting: { reason: 'PodInitializing' } });
  });

  it('end a sidecar that waits for its next run when they are over', async () => {
    await start([sidecar('side', 'exit 1')], sh('sleep 2'), { restartPolicy: 'Never' });
    await bench.sees(() => 'waiting' in bench.status('side').state && bench.status('side').restartCount, 1);
    await bench.sees(() => bench.pod().status.phase, 'Succeeded');
    await bench.sees(() => bench.status('side').state, { terminated: { exitCode: 1 } });
  });

  it('take their sidecars with them when they have all ended', async () => {
    await start([sidecar('side', lasting)], sh('exit 0'), { restartPolicy: 'Never' });
    await bench.sees(() => bench.pod().status.phase, 'Succeeded');
    await bench.sees(() => 'terminated' in bench.status('side').state, true);
    await bench.sees(shown, '0/2 Completed 0');
    expect(conditions()).toMatchObject({ Ready: { status: 'False', reason: 'PodCompleted' } });
  });

  it('end before their sidecars, which end in reverse order', async () => {
    await start([sidecar('first', lasting), sidecar('second', lasting)]);
    await bench.sees(shown, '3/3 Running 0');
    const removed = bench.runtime.removePod('default', 'web-0');
    await bench.sees(() => bench.runtime.listPods().length, 0);
    await within(removed, 'end of the removed pod');
    const ended = bench.journal.flatMap(({ kind, node }) => (kind === 'role.stopped' ? [node] : []));
    const names = ['main', 'second', 'first'];
    expect(ended).toEqual(names.map((name) => `container/default/web-0/${name}`));
  });

  it('can be removed while an init container runs', async () => {
    await start([container('one', 'sleep 1000')]);
    await bench.sees(shown, '0/1 Init:0/1 0');
    const removed = bench.runtime.removePod('default', 'web-0', 0);
    await bench.sees(() => bench.runtime.listPods().length, 0);
    await within(removed, 'end of the removed pod');
  });

  it('can be debugged while an init container runs', async () => {
    await start([container('one', 'sleep 1000')]);
    const pod = bench.pod();
    const ephemeralContainers = [container('debug', 'exit 0')];
    bench.runtime.updatePod({ ...pod, spec: { ...pod.spec, ephemeralContainers } });
    await bench.sees(() => bench.status('debug'), { state: { terminated: { exitCode: 0 } } });
    await bench.sees(shown, '0/1 Init:0/1 0');
  });

  it('that were initialised once are not initialised again by the next kubelet', async () => {
    await start([container('one', 'exit 0'), sidecar('side', lasting)]);
    await bench.sees(shown, '2/2 Running 0');
    const before = bench.pod();
    await bench.close();
    bench = await Bench.start(kind);
    const { hostIP, podIP } = before.status;
    bench.runtime.addPod(toRun(before, { hostIP, podIP, now: '2026-01-01T00:00:00Z' }));
    await bench.sees(shown, '2/2 Running 2');
    expect(bench.status('one')).toEqual(before.status.initContainerStatuses?.[0]);
  });
});
