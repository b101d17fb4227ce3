import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { podMessages } from '../../../src/apiserver/schema/pod-messages.js';
import type { ContainerNews } from '../../../src/containers/runtime.js';
import { ManualClock } from '../../../src/core/clock.js';
import { TunnelError } from '../../../src/core/errors.js';
import type { KubeClient } from '../../../src/kube/kube-client.js';
import { EventRecorder, eventText } from '../../../src/kubelet-stub/pod-source/event-recorder.js';
import { notSimulated, notSimulatedFields } from '../../../src/kubelet-stub/pod-source/not-simulated.js';
import { settled, testPod } from '../containers/support.js';

const news = (reason: ContainerNews['reason']): ContainerNews => ({
  ...{ reason, name: 'web', image: 'nginx:1', fieldPath: 'spec.containers{web}', podText: 'p_ns(u)' },
});

/** Fields that have an effect, or need one that has none, or have a row of their own among the differences. */
const simulated = {
  PodSpec: [
    ...['automountServiceAccountToken', 'containers', 'enableServiceLinks', 'ephemeralContainers'],
    ...[
      'hostNetwork',
      'hostname',
      'initContainers',
      'nodeName',
      'nodeSelector',
      'overhead',
      'preemptionPolicy',
    ],
    ...['priority', 'restartPolicy', 'schedulerName', 'schedulingGates', 'serviceAccount'],
    ...['serviceAccountName', 'terminationGracePeriodSeconds', 'tolerations'],
  ],
  Container: [
    ...['args', 'command', 'env', 'envFrom', 'image', 'imagePullPolicy', 'name', 'restartPolicy', 'stdin'],
    ...['stdinOnce', 'terminationMessagePath', 'terminationMessagePolicy', 'tty', 'workingDir'],
  ],
};

describe('the words of a kubelet about a container', () => {
  it.each<[string, ContainerNews['reason'], string]>([
    ['v1.30.4', 'Created', 'Created container web'],
    ['v1.33.1', 'Created', 'Created container: web'],
    ['', 'Created', 'Created container: web'],
    ['v1.35.0', 'Created', 'Container created'],
    ['v1.34.0', 'Started', 'Started container web'],
    ['1.35.0', 'Started', 'Container started'],
    ['v1.33.1', 'Pulled', 'Container image "nginx:1" already present on machine'],
    [
      'v1.36.2',
      'Pulled',
      'Container image "nginx:1" already present on machine and can be accessed by the pod',
    ],
    ['v1.36.2', 'Killing', 'Stopping container web'],
    ['v1.33.1', 'BackOff', 'Back-off restarting failed container web in pod p_ns(u)'],
  ])('of release %s for %s', (version, reason, message) => {
    expect(eventText(news(reason), version)).toMatchObject({ message, fieldPath: 'spec.containers{web}' });
  });
});

describe('a recorder of events', () => {
  it('tries again while the API is away, drops what is too much, and ends when it is told to', async () => {
    const clock = new ManualClock();
    const sent: { readonly message: string }[] = [];
    const failures: string[] = [];
    let isAway = true;
    const client = {
      create: async (_target: object, event: { readonly message: string }) => {
        if (isAway) throw new TunnelError('API_UNREACHABLE', 'away');
        sent.push(event);
        return event;
      },
    } as unknown as KubeClient;
    const ending = new AbortController();
    const recorder = new EventRecorder({
      ...{ client, nodeName: 'node-1', version: 'v1.33.1', clock, now: () => 0, signal: ending.signal },
      failed: (what, error) => failures.push(`${what}: ${error.message}`),
    });
    const { metadata } = testPod([]);
    for (let number = 0; number < 1500; number++)
      recorder.record(metadata, { type: 'Normal', reason: 'Test', message: String(number) });
    await settled();
    expect(failures).toEqual(['events: away']);
    isAway = false;
    clock.advance(10_000);
    await expect.poll(() => sent.length).toBe(1000);
    expect(sent.at(-1)?.message).toBe('999');
    isAway = true;
    recorder.record(metadata, { type: 'Normal', reason: 'Test', message: 'last' });
    await settled();
    ending.abort();
    await recorder.ended;
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('what is not simulated', () => {
  it('is in the list of differences', () => {
    const differences = readFileSync('docs/differences.md', 'utf8');
    for (const field of [...notSimulatedFields.pod, ...notSimulatedFields.container])
      expect(differences).toContain(`\`${field}\``);
  });

  it.each(['PodSpec', 'Container'] as const)('is every field of a %s that has no effect here', (message) => {
    const [, text = ''] = new RegExp(`^${message}\\n((?:  .*\\n)+)`, 'm').exec(podMessages) ?? [];
    const fields = [...text.matchAll(/\d+ (\w+) /g)].map(([, name = '']) => name);
    expect(fields.length).toBeGreaterThan(20);
    const named = [...notSimulatedFields.pod, ...notSimulatedFields.container].map(
      (path) => path.split('.')[0] ?? '',
    );
    expect(fields.filter((field) => !named.includes(field)).toSorted()).toEqual(simulated[message]);
  });

  it.each<[object, string]>([
    [
      { hostUsers: false, dnsPolicy: 'None', os: { name: 'windows' } },
      'dnsPolicy, spec.hostUsers, spec.os.name',
    ],
    [
      { hostUsers: true, dnsPolicy: 'ClusterFirst', os: { name: 'linux' }, hostIPC: false, subdomain: '' },
      '',
    ],
    [
      { ephemeralContainers: [{ name: 'd', image: 'x', securityContext: { privileged: true } }] },
      'ephemeralContainers{d}.securityContext',
    ],
  ])('is what asks for something, of %j', (spec, expected) => {
    const base = testPod([]);
    const text = notSimulated({ ...base, spec: { ...base.spec, ...spec } }, new Set());
    expect(text).toBe(expected === '' ? undefined : `konnsim does not simulate: spec.${expected}`);
  });

  it('is named in at most a kibibyte', () => {
    const containers = Array.from({ length: 40 }, (_, index) => ({
      ...{ name: `container-${index}`, image: 'any', ports: [{ containerPort: 1, hostPort: 80 }] },
    }));
    const text = notSimulated(testPod(containers), new Set()) ?? '';
    expect(text.length).toBeLessThanOrEqual(1024);
    const named = text.match(/hostPort/g)?.length ?? 0;
    expect(text).toMatch(new RegExp(` and ${40 - named} more$`));
  });
});
