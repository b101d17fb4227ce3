import { afterEach, describe, expect, it } from 'vitest';
import { withoutApi } from '../../../src/containers/environment/resolve.js';
import type { Container, Pod } from '../../../src/kube/pod-objects.js';
import { deferred } from '../../support/deferred.js';
import { within } from '../../support/waits.js';
import { Bench, podWith, runtimeNames } from './both-runtimes.js';

/** A command that neither runtime starts at once: a sandbox has to look it up first. */
const lasting = { command: ['env', 'sleep', '1000'] };
const ref = { namespace: 'default', pod: 'web-0', container: 'main' };

const places: readonly (readonly [string, Partial<Pod['spec']>])[] = [
  ['a container', { containers: [{ name: 'one', image: 'any', ...lasting }] }],
  ['an init container', { initContainers: [{ name: 'one', image: 'any', ...lasting }] }],
  ['a sidecar', { initContainers: [{ name: 'one', image: 'any', restartPolicy: 'Always', ...lasting }] }],
  [
    'an ephemeral container',
    { containers: [], ephemeralContainers: [{ name: 'one', image: 'any', ...lasting }] },
  ],
];

describe.each(runtimeNames)('a container of the %s runtime that is just being started', (kind) => {
  let bench: Bench;
  afterEach(() => bench.close());
  const start = async (container: Partial<Container>, spec: Partial<Pod['spec']> = {}): Promise<void> => {
    bench = await Bench.start(kind);
    bench.runtime.addPod(podWith(container, spec));
  };
  const kinds = (): string[] => bench.journal.map((event) => event.kind);
  const update = (change: Partial<Container>): void => {
    const pod = bench.pod();
    const containers = pod.spec.containers.map((each) => ({ ...each, ...change }));
    bench.runtime.updatePod({ ...pod, spec: { ...pod.spec, containers } });
  };

  it.each(places)('keeps its removed pod until it has ended, as %s', async (_role, spec) => {
    await start(lasting, spec);
    expect(kinds()).toEqual([]);
    const removed = bench.runtime.removePod('default', 'web-0', 0);
    await bench.sees(() => bench.runtime.listPods().length, 0);
    expect(kinds()).toEqual(['role.started', 'role.stopped']);
    await within(removed, 'end of the removed pod', { seen: kinds });
  });

  it('keeps its removed pod until its next run has ended', async () => {
    await start(lasting);
    await bench.sees(() => bench.status().started, true);
    bench.runtime.restartContainer(ref);
    await bench.sees(() => kinds().join(), 'role.started,role.stopped');
    const removed = bench.runtime.removePod('default', 'web-0', 0);
    await bench.sees(() => bench.runtime.listPods().length, 0);
    expect(kinds().slice(2)).toEqual(['role.started', 'role.stopped']);
    await within(removed, 'end of the removed pod', { seen: kinds });
  });

  it('is ended with its runtime', async () => {
    await start(lasting);
    const removed = bench.runtime.removePod('default', 'web-0', 0);
    await bench.close();
    expect(kinds()).toEqual(['role.started', 'role.stopped']);
    await within(removed, 'end of the removed pod', { seen: kinds });
  });

  it('is killed although its terminal has only just been opened', async () => {
    bench = await Bench.start(kind);
    // Chance decides whether a signal comes too soon, so there are many: one after the other, as starts slow each other.
    for (let count = 0; count < 10; count++) {
      bench.runtime.addPod(podWith({ ...lasting, tty: true }));
      const removed = bench.runtime.removePod('default', 'web-0', 0);
      await bench.sees(() => bench.runtime.listPods().length, 0);
      await within(removed, 'end of the removed pod', { seen: kinds });
    }
  });

  it('is restarted when it has started', async () => {
    await start(lasting);
    bench.runtime.restartContainer(ref, { exitCode: 7 });
    const lastState = { terminated: { exitCode: 7 } };
    await bench.sees(() => bench.status(), { restartCount: 1, state: { running: {} }, lastState });
  });

  it('gets another image that comes by then', async () => {
    await start(lasting, { restartPolicy: 'Never' });
    update({ image: 'second' });
    update({ image: 'third' });
    await bench.sees(() => bench.status(), { image: 'third', restartCount: 1, state: { running: {} } });
    expect(await bench.runtime.usage()).toMatchObject([{ containers: [{ image: 'third' }] }]);
    const started = bench.journal.filter((event) => event.kind === 'role.started');
    expect(started.map(({ text }) => text)).toEqual(['image any', 'image third']);
  });

  it('gets another image that comes while its variables are read', async () => {
    bench = await Bench.start(kind);
    const answer = deferred<Record<string, string>>('reading of the variables');
    bench.runtime.useSources({ ...withoutApi, read: () => answer.promise });
    bench.runtime.addPod(podWith({ ...lasting, envFrom: [{ configMapRef: { name: 'settings' } }] }));
    update({ image: 'second' });
    answer.resolve({});
    await bench.sees(() => bench.status(), { image: 'second', restartCount: 0, state: { running: {} } });
    expect(await bench.runtime.usage()).toMatchObject([{ containers: [{ image: 'second' }] }]);
  });
});
