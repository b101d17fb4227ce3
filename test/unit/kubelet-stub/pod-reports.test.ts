import { describe, expect, it } from 'vitest';
import { collect } from '../containers/support.js';
import { manifest, pods, useKubelet } from './kubelet-with-api.js';

describe('a kubelet with an API', () => {
  const bench = useKubelet();
  const { start, pod, phase, sandbox, processes } = bench;

  it.each(['sandbox', 'process'])('gives containers their variables in the %s runtime', async (kind) => {
    start(kind === 'sandbox' ? sandbox() : await processes());
    await bench.source.ready;
    const word = 'open sesame';
    const data = { word: Buffer.from(word).toString('base64') };
    const kubernetes = {
      metadata: { name: 'kubernetes', namespace: 'default' },
      spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] },
    };
    const services = { group: '', version: 'v1', plural: 'services' };
    await bench.admin.create({ resource: services, namespace: 'default' }, kubernetes).catch(() => undefined);
    // As in Konnectivity's own manifest.
    const agent = {
      command: ['sh', '-c', 'echo "$1 $WORD $KUBERNETES_SERVICE_HOST"; exit 1', '--'],
      args: ['--agent-identifiers=ipv4=$(HOST_IP)&host=$(NODE_NAME)'],
      env: [
        { name: 'WORD', valueFrom: { secretKeyRef: { name: 'pass', key: 'word' } } },
        { name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
        { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
      ],
    };
    await bench.admin.create(pods, manifest('agent', agent));
    await expect
      .poll(async () => (await pod('agent')).status.containerStatuses?.[0]?.state)
      .toEqual({ waiting: { reason: 'CreateContainerConfigError', message: 'secret "pass" not found' } });
    expect(await phase('agent')).toBe('Pending');
    const secrets = { group: '', version: 'v1', plural: 'secrets' };
    const secret = { metadata: { name: 'pass', namespace: 'default' }, data };
    await bench.admin.create({ resource: secrets, namespace: 'default' }, secret);
    const name = { namespace: 'default', pod: 'agent', container: 'main' };
    bench.runtime.restartContainer(name);
    await expect
      .poll(async () => (await pod('agent')).status.containerStatuses[0]?.state)
      .toMatchObject({ waiting: { reason: 'CrashLoopBackOff' } });
    const request = { ...name, follow: false, previous: false, timestamps: false };
    const log = await collect(await bench.runtime.logs(request, new AbortController().signal));
    expect(log).toBe(`--agent-identifiers=ipv4=10.0.1.11&host=node-1 ${word} 10.96.0.1\n`);
    const told = await bench.admin.list({ resource: { group: '', version: 'v1', plural: 'events' } });
    for (const shown of [bench.events, bench.runtime.listPods(), await pod('agent'), told.items])
      expect(JSON.stringify(shown)).not.toMatch(/open sesame|b3BlbiBz/);
  });

  describe('tells the API in events', () => {
    interface Event {
      readonly metadata: { readonly name: string };
      readonly involvedObject: { readonly name: string; readonly fieldPath?: string };
      readonly type: string;
      readonly reason: string;
      readonly message: string;
      readonly count: number;
      readonly source: object;
    }
    const about = async (name: string): Promise<readonly Event[]> => {
      const resource = { group: '', version: 'v1', plural: 'events' };
      const { items } = await bench.admin.list<Event>({ resource, namespace: 'default' });
      return items.filter((event) => event.involvedObject.name === name && event.reason !== 'Scheduled');
    };
    const texts = async (name: string): Promise<string[]> =>
      (await about(name)).map(({ type, reason, message, count }) => `${count} ${type} ${reason}: ${message}`);

    it('how a container starts, fails again and again, and is ended', async () => {
      start(sandbox());
      await bench.source.ready;
      await bench.admin.create(pods, manifest('loop', { command: ['false'] }));
      const { uid } = (await pod('loop')).metadata;
      const wanted = [
        '2 Normal Pulled: Container image "any" already present on machine',
        '2 Normal Created: Created container: main',
        '2 Normal Started: Started container main',
        `1 Warning BackOff: Back-off restarting failed container main in pod loop_default(${uid})`,
      ];
      await expect.poll(() => texts('loop')).toEqual(expect.arrayContaining(wanted));
      const [event] = await about('loop');
      expect(event).toMatchObject({
        metadata: { name: expect.stringMatching(/^loop\.[0-9a-f]{16}$/) },
        involvedObject: { kind: 'Pod', uid, fieldPath: 'spec.containers{main}' },
        ...{ source: { component: 'kubelet', host: 'node-1' }, reportingComponent: 'kubelet' },
      });
      await bench.admin.create(pods, manifest('web', {}));
      await expect.poll(() => phase('web')).toBe('Running');
      await bench.admin.delete({ ...pods, name: 'web' });
      await expect.poll(() => texts('web')).toContain('1 Normal Killing: Stopping container main');
    });

    it('what it does not simulate, once', async () => {
      const probe = { httpGet: { port: 80 } };
      const container = {
        livenessProbe: probe,
        resources: { limits: { cpu: '1' } },
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
        ports: [{ containerPort: 80 }],
        ...{ securityContext: {}, lifecycle: {} },
      };
      start(sandbox());
      await bench.source.ready;
      await bench.admin.create(pods, manifest('full', container as object, { volumes: [{ name: 'v' }] }));
      await expect.poll(() => phase('full')).toBe('Running');
      const place = 'spec.containers{main}';
      const fields = ['livenessProbe', 'resources', 'volumeMounts'].map((name) => `${place}.${name}`);
      const warning = `1 Warning NotSimulated: konnsim does not simulate: ${fields.join(', ')}, spec.volumes`;
      await expect.poll(() => texts('full')).toContain(warning);
      bench.runtime.restartContainer({ namespace: 'default', pod: 'full', container: 'main' });
      await expect.poll(() => texts('full')).toContain('2 Normal Started: Started container main');
      const restarts = async () => (await pod('full')).status.containerStatuses[0]?.restartCount;
      await expect.poll(restarts).toBe(1);
      await bench.source.close();
      await bench.runtime.close();
      start(sandbox());
      await expect.poll(restarts).toBe(2);
      const target = { ...pods, name: 'full', subresource: 'ephemeralcontainers' };
      const ephemeralContainers = [{ name: 'debug', image: 'konnsim/shell', targetContainerName: 'main' }];
      await bench.admin.patch(target, { spec: { ephemeralContainers } }, { type: 'strategic-merge' });
      const warnings = async () => (await texts('full')).filter((text) => text.includes('NotSimulated'));
      const later = 'konnsim does not simulate: spec.ephemeralContainers{debug}.targetContainerName';
      await expect.poll(warnings).toEqual([warning, `1 Warning NotSimulated: ${later}`]);
    });

    it('nothing to warn of for a pod of defaults', async () => {
      start(sandbox());
      await bench.source.ready;
      await bench.admin.create(pods, manifest('plain', {}));
      await expect.poll(() => texts('plain')).toContain('1 Normal Started: Started container main');
      expect((await texts('plain')).join()).not.toContain('Warning');
    });

    it('a repetition as a new event when the old one is gone', async () => {
      start(sandbox());
      await bench.source.ready;
      await bench.admin.create(pods, manifest('web', {}));
      await expect.poll(() => texts('web')).toContain('1 Normal Started: Started container main');
      const resource = { group: '', version: 'v1', plural: 'events' };
      for (const { metadata } of await about('web'))
        await bench.admin.delete({ resource, namespace: 'default', name: metadata.name });
      bench.runtime.restartContainer({ namespace: 'default', pod: 'web', container: 'main' });
      await expect.poll(() => texts('web')).toContain('1 Normal Started: Started container main');
    });
  });
});
