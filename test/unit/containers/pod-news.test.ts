import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Container, Pod } from '../../../src/kube/pod-objects.js';
import { within } from '../../support/waits.js';
import { Bench, podWith, runtimeNames, sh } from './both-runtimes.js';

const lasting = sh('trap "exit 0" TERM; while :; do sleep 0.05; done');

describe.each(runtimeNames)('the news of a pod in the %s runtime', (kind) => {
  let bench: Bench;
  let news: string[];
  afterEach(() => bench.close());
  const start = async (container: Partial<Container>, spec: Partial<Pod['spec']> = {}): Promise<void> => {
    bench = await Bench.start(kind);
    news = [];
    bench.runtime.onNews((_pod, { reason, fieldPath, message = '' }) =>
      news.push(`${reason} ${fieldPath} ${message}`.trim()),
    );
    bench.runtime.addPod(podWith(container, spec));
  };
  const startOf = (place: string): string[] =>
    ['Pulled', 'Created', 'Started'].map((reason) => `${reason} ${place}`);

  it('tell of each start, of the pauses and of the end', async () => {
    await start(sh('exit 1'));
    const main = 'spec.containers{main}';
    await bench.sees(() => bench.status().restartCount, 1);
    await bench.sees(() => news.length, 7);
    expect(news).toEqual([...startOf(main), ...startOf(main), `BackOff ${main}`]);
  });

  it('name the list that a container is in, and tell of kills but not of ends', async () => {
    const initContainers = [
      { name: 'side', image: 'any', restartPolicy: 'Always', ...lasting },
      { name: 'one', image: 'any', ...sh('exit 0') },
    ];
    await start(lasting, { initContainers });
    await bench.sees(() => bench.status().ready, true);
    const pod = bench.pod();
    const ephemeralContainers = [{ name: 'debug', image: 'any', ...sh('exit 0') }];
    bench.runtime.updatePod({ ...pod, spec: { ...pod.spec, ephemeralContainers } });
    await bench.sees(() => 'terminated' in bench.status('debug').state, true);
    const removed = bench.runtime.removePod('default', 'web-0');
    await bench.sees(() => bench.runtime.listPods().length, 0);
    await within(removed, 'end of the removed pod');
    expect(news).toEqual([
      ...startOf('spec.initContainers{side}'),
      ...startOf('spec.initContainers{one}'),
      ...startOf('spec.containers{main}'),
      ...startOf('spec.ephemeralContainers{debug}'),
      'Killing spec.containers{main}',
      'Killing spec.initContainers{side}',
    ]);
  });

  it('tell that another image is wanted, whatever the restart policy', async () => {
    await start(lasting, { restartPolicy: 'Never' });
    await bench.sees(() => bench.status().ready, true);
    const pod = bench.pod();
    const containers = pod.spec.containers.map((each) => ({ ...each, image: 'another' }));
    bench.runtime.updatePod({ ...pod, spec: { ...pod.spec, containers } });
    await bench.sees(() => bench.status(), { restartCount: 1, ready: true, image: 'another' });
    const place = 'spec.containers{main}';
    const killing = `Killing ${place} Container main definition changed, will be restarted`;
    expect(news).toEqual([...startOf(place), killing, ...startOf(place)]);
  });

  it('tell why a container could not be made, at each try', async () => {
    await start({ envFrom: [{ secretRef: { name: 'pass' } }] });
    await bench.sees(() => news.length, 2);
    bench.clock.advance(15_000);
    await bench.sees(() => news.length, 4);
    const failed = "Failed spec.containers{main} couldn't get secret default/pass, no kubeClient defined";
    expect(news).toEqual([
      ...['Pulled spec.containers{main}', failed],
      ...['Pulled spec.containers{main}', failed],
    ]);
  });

  it('tell why a program could not be started', async () => {
    await start({ command: ['no-such-program'] }, { restartPolicy: 'Never' });
    await bench.sees(() => bench.pod().status.phase, 'Failed');
    const message =
      'failed to create containerd task: failed to create shim task: OCI runtime create failed: ' +
      'runc create failed: unable to start container process: ' +
      'exec: "no-such-program": executable file not found in $PATH: unknown';
    expect(bench.status().state).toMatchObject({
      terminated: { exitCode: 128, reason: 'StartError', message },
    });
    const place = 'spec.containers{main}';
    expect(news).toEqual([`Pulled ${place}`, `Created ${place}`, `Failed ${place} ${message}`]);
  });

  it('are kept for the first listener', async () => {
    bench = await Bench.start(kind, [podWith(lasting)]);
    await bench.sees(() => bench.status().ready, true);
    news = [];
    bench.runtime.onNews((pod, { reason }) => news.push(`${reason} ${pod.name}`));
    expect(news).toEqual(['Pulled web-0', 'Created web-0', 'Started web-0']);
  });
});

describe.each(runtimeNames)('the last words of a container in the %s runtime', (kind) => {
  let bench: Bench;
  afterEach(() => bench.close());
  const messageOf = async (container: Partial<Container>): Promise<string | undefined> => {
    bench = await Bench.start(kind, [podWith(container, { restartPolicy: 'Never' })]);
    await bench.sees(() => 'terminated' in bench.status().state, true);
    const { state } = bench.status();
    expect(JSON.stringify(bench.journal)).not.toContain('words');
    return 'terminated' in state ? state.terminated.message : undefined;
  };
  /** A path in the container: the root of a process is its folder. */
  const place = kind === 'sandbox' ? '' : '$HOME';

  it('are in the file that its spec names, up to 4096 bytes', async () => {
    const script = `mkdir -p ${place}/my; printf %05000d 7 > ${place}/my/log; printf words >> ${place}/my/log; exit 1`;
    const message = await messageOf({ ...sh(script), terminationMessagePath: '/my/log' });
    expect(message).toBe(`${'0'.repeat(4090)}7words`);
  });

  it('are else in /dev/termination-log, also after a success', async () => {
    const script = `mkdir -p ${place}/dev; echo words > ${place}/dev/termination-log`;
    expect(await messageOf(sh(script))).toBe('words\n');
  });

  it('are the end of the log after a failure, if its spec says so', async () => {
    const policy = { terminationMessagePolicy: 'FallbackToLogsOnError' };
    const lines = 'for i in $(seq 100); do echo words $i; done';
    const message = await messageOf({ ...sh(`${lines}; exit 2`), ...policy });
    expect(message?.split('\n').slice(0, 2)).toEqual(['words 21', 'words 22']);
    expect(message?.endsWith('words 100\n')).toBe(true);
  });

  it.each([
    ['File', 2],
    ['FallbackToLogsOnError', 0],
  ])('are not in its log under policy %s and exit code %d', async (terminationMessagePolicy, code) => {
    expect(await messageOf({ ...sh(`echo words; exit ${code}`), terminationMessagePolicy })).toBeUndefined();
  });

  it('are never in a file of the host', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'konnsim-canary-'));
    try {
      const canary = join(folder, 'canary');
      await writeFile(canary, 'of the host');
      const link = `mkdir -p ${place}/my; ln -s ${canary} ${place}/my/log; exit 1`;
      for (const container of [
        { ...sh('exit 1'), terminationMessagePath: canary },
        { ...sh('exit 1'), terminationMessagePath: `/../../../../../../..${canary}` },
        { ...sh(link), terminationMessagePath: '/my/log' },
      ]) {
        expect(await messageOf(container)).toBeUndefined();
        await bench.close();
      }
      expect(await readFile(canary, 'utf8')).toBe('of the host');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
