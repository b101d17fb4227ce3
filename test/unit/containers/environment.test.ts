import { afterEach, describe, expect, it } from 'vitest';
import { expand } from '../../../src/containers/environment/expand.js';
import {
  type EnvironmentSources,
  resolveContainer,
  withoutApi,
} from '../../../src/containers/environment/resolve.js';
import type { Container, EnvVar, Pod, Service } from '../../../src/kube/pod-objects.js';
import { Bench, podWith, runtimeNames, sh } from './both-runtimes.js';
import { testPod } from './support.js';

describe('references in values', () => {
  const known = new Map([
    ...[['VAR_A', 'A'] as const, ['VAR_B', 'B'] as const, ['VAR_C', 'C'] as const],
    ...[['VAR_REF', '$(VAR_A)'] as const, ['VAR_EMPTY', ''] as const],
  ]);

  it.each([
    ['$(VAR_A)_$(VAR_B)_$(VAR_C)', 'A_B_C'],
    ['$$(VAR_B)_$(VAR_A)', '$(VAR_B)_A'],
    ['f000-$$VAR_A', 'f000-$VAR_A'],
    ['foo\\$(VAR_C)bar', 'foo\\Cbar'],
    ['$(VAR_A$(VAR_B))', '$(VAR_A$(VAR_B))'],
    ['$(VAR_A$(VAR_B)', '$(VAR_A$(VAR_B)'],
    ['%%$(VAR_REF)--$(VAR_REF)%%', '%%$(VAR_A)--$(VAR_A)%%'],
    ['foo$(VAR_EMPTY)bar', 'foobar'],
    ['foo$(VAR_Awhoops!', 'foo$(VAR_Awhoops!'],
    ['$?_boo_$!', '$?_boo_$!'],
    ['$VAR_A ${VAR_A}', '$VAR_A ${VAR_A}'],
    ['$(VAR_DNE)', '$(VAR_DNE)'],
    ['$$$$$$(VAR_A)', '$$$(VAR_A)'],
    ['$$$$$$$(VAR_A)', '$$$A'],
    ['$(VAR_B)_______$(A', 'B_______$(A'],
    ['$(VAR_A)foobarzab$', 'Afoobarzab$'],
    ['$($($($($--foo$(', '$($($($($--foo$('],
    ['$(foo$$var)', '$(foo$$var)'],
    ['$(VAR A)$(VAR_A)', '$(VAR A)A'],
    ['prefix-$€-suffix', 'prefix-$€-suffix'],
  ])('%s become what they become in a cluster', (text, wanted) => {
    expect(expand(text, known)).toBe(wanted);
  });

  it('take a time that grows with their length, not with its square', () => {
    const long = '$('.repeat(500_000);
    const startMs = performance.now();
    expect(expand(long, known)).toBe(long);
    expect(performance.now() - startMs).toBeLessThan(5000);
  });
});

const service = (name: string, namespace: string, clusterIP: string, ports: object[]): Service =>
  ({
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace, uid: '', creationTimestamp: '' } },
    spec: { clusterIP, clusterIPs: [clusterIP], type: 'ClusterIP', ports },
  }) as Service;
const https = { name: 'https', protocol: 'TCP', port: 443 };
const services = [
  service('kubernetes', 'default', '10.96.0.1', [https]),
  service('my-db', 'default', '10.96.7.7', [
    { name: 'sql-1', protocol: 'TCP', port: 5432 },
    { protocol: 'UDP', port: 53 },
  ]),
  service('headless', 'default', 'None', [https]),
  service('other', 'elsewhere', '10.96.9.9', [https]),
];
const objects: Record<string, Record<string, string>> = {
  'secret/pass': { word: 'open sesame', 'dotted.name': 'dot' },
  'configMap/settings': { COLOUR: 'red', SIZE: 'L' },
};
const sources: EnvironmentSources = {
  services,
  allocatable: { cpu: '2', memory: '4Gi' },
  read: async (kind, _namespace, name) => objects[`${kind}/${name}`],
};

const pod: Pod = {
  ...testPod([]),
  metadata: {
    ...testPod([]).metadata,
    labels: { app: 'web', 'example.com/tier': 'front' },
    annotations: { note: 'n' },
  },
  spec: { ...testPod([]).spec, serviceAccountName: 'default' },
};

async function variables(
  container: Partial<Container>,
  spec: Partial<Pod['spec']> = {},
  from = sources,
): Promise<Record<string, string | undefined>> {
  const whole = { name: 'main', image: 'any', ...container };
  const given = { ...pod, spec: { ...pod.spec, containers: [whole], ...spec } };
  const { env = [] } = await resolveContainer(given, whole, from);
  return Object.fromEntries(env.map(({ name, value }) => [name, value]));
}

const one = async (valueFrom: EnvVar['valueFrom'], more: Partial<Container> = {}): Promise<unknown> =>
  (await variables({ ...more, env: [{ name: 'X', ...(valueFrom === undefined ? {} : { valueFrom }) }] }))[
    'X'
  ];

describe('the variables of a container', () => {
  it.each([
    ['metadata.name', 'web-0'],
    ['metadata.namespace', 'default'],
    ['metadata.uid', 'uid-web-0'],
    ["metadata.labels['example.com/tier']", 'front'],
    ["metadata.labels['none']", ''],
    ["metadata.labels['constructor']", ''],
    ["metadata.annotations['__proto__']", ''],
    ["metadata.annotations['note']", 'n'],
    ['spec.nodeName', 'node-1'],
    ['spec.serviceAccountName', 'default'],
    ['status.hostIP', '10.0.1.11'],
    ['status.hostIPs', '10.0.1.11'],
    ['status.podIP', '10.1.1.5'],
    ['status.podIPs', '10.1.1.5'],
  ])('from the field %s', async (fieldPath, value) => {
    expect(await one({ fieldRef: { fieldPath } })).toBe(value);
  });

  it.each([
    ['limits.cpu', undefined, '1'],
    ['limits.cpu', '1m', '250'],
    ['requests.cpu', '1m', '100'],
    ['limits.memory', undefined, '134217728'],
    ['limits.memory', '1Mi', '128'],
    ['limits.memory', '1G', '1'],
    ['requests.memory', undefined, '0'],
    ['requests.memory', '0', '0'],
    ['limits.ephemeral-storage', undefined, '0'],
  ])('from the resource %s with divisor %s', async (resource, divisor, value) => {
    const resources = { limits: { cpu: '250m', memory: '128Mi' }, requests: { cpu: '0.1' } };
    const resourceFieldRef = { resource, ...(divisor === undefined ? {} : { divisor }) };
    expect(await one({ resourceFieldRef }, { resources })).toBe(value);
  });

  it('from a resource that is not limited are what the node has', async () => {
    expect(await one({ resourceFieldRef: { resource: 'limits.cpu' } })).toBe('2');
    expect(await one({ resourceFieldRef: { resource: 'limits.memory', divisor: '1Gi' } })).toBe('4');
  });

  it('from Secrets and ConfigMaps, where the later one wins', async () => {
    const found = await variables({
      envFrom: [
        { configMapRef: { name: 'settings' } },
        { prefix: 'P_', secretRef: { name: 'pass' } },
        { configMapRef: { name: 'gone', optional: true } },
      ],
      env: [
        { name: 'SIZE', value: 'S' },
        { name: 'WORD', valueFrom: { secretKeyRef: { name: 'pass', key: 'word' } } },
        { name: 'TOLD', value: '$(WORD), $(COLOUR), $(KUBERNETES_SERVICE_HOST), $(LATER), $(HOME)' },
        { name: 'LATER', valueFrom: { configMapKeyRef: { name: 'settings', key: 'SIZE' } } },
        { name: 'NONE', valueFrom: { secretKeyRef: { name: 'pass', key: 'gone', optional: true } } },
        { name: 'EMPTY' },
      ],
    });
    expect(found).toMatchObject({
      ...{ COLOUR: 'red', SIZE: 'S', P_word: 'open sesame', 'P_dotted.name': 'dot', WORD: 'open sesame' },
      ...{ TOLD: 'open sesame, red, 10.96.0.1, $(LATER), $(HOME)', LATER: 'L', EMPTY: '' },
    });
    expect(Object.keys(found)).not.toContain('NONE');
  });

  it('name the services of the namespace, unless the pod does not want that, and always the API', async () => {
    const found = await variables({ env: [{ name: 'MY_DB_SERVICE_HOST', value: 'mine' }] });
    expect(found).toEqual({
      KUBERNETES_SERVICE_HOST: '10.96.0.1',
      KUBERNETES_SERVICE_PORT: '443',
      KUBERNETES_SERVICE_PORT_HTTPS: '443',
      KUBERNETES_PORT: 'tcp://10.96.0.1:443',
      KUBERNETES_PORT_443_TCP: 'tcp://10.96.0.1:443',
      KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
      KUBERNETES_PORT_443_TCP_PORT: '443',
      KUBERNETES_PORT_443_TCP_ADDR: '10.96.0.1',
      MY_DB_SERVICE_HOST: 'mine',
      MY_DB_SERVICE_PORT: '5432',
      MY_DB_SERVICE_PORT_SQL_1: '5432',
      MY_DB_PORT: 'tcp://10.96.7.7:5432',
      MY_DB_PORT_5432_TCP: 'tcp://10.96.7.7:5432',
      MY_DB_PORT_5432_TCP_PROTO: 'tcp',
      MY_DB_PORT_5432_TCP_PORT: '5432',
      MY_DB_PORT_5432_TCP_ADDR: '10.96.7.7',
      MY_DB_PORT_53_UDP: 'udp://10.96.7.7:53',
      MY_DB_PORT_53_UDP_PROTO: 'udp',
      MY_DB_PORT_53_UDP_PORT: '53',
      MY_DB_PORT_53_UDP_ADDR: '10.96.7.7',
    });
    const few = await variables({}, { enableServiceLinks: false });
    expect(new Set(Object.keys(few).map((name) => name.split('_')[0]))).toEqual(new Set(['KUBERNETES']));
  });

  it.each<[string, Partial<Container>, EnvironmentSources?]>([
    ['secret "gone" not found', { envFrom: [{ secretRef: { name: 'gone' } }] }],
    ['configmap "gone" not found', { envFrom: [{ configMapRef: { name: 'gone' } }] }],
    [
      "couldn't find key gone in Secret default/pass",
      { env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'pass', key: 'gone' } } }] },
    ],
    [
      'container nope not found',
      {
        env: [
          { name: 'X', valueFrom: { resourceFieldRef: { containerName: 'nope', resource: 'limits.cpu' } } },
        ],
      },
    ],
    [
      "couldn't find key toString in ConfigMap default/settings",
      { env: [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'settings', key: 'toString' } } }] },
    ],
    [
      "couldn't get secret default/pass, no kubeClient defined",
      { envFrom: [{ secretRef: { name: 'pass', optional: true } }] },
      withoutApi,
    ],
  ])('cannot be made: %s', async (message, container, from) => {
    await expect(variables(container, {}, from)).rejects.toMatchObject({ message });
  });
});

describe.each(runtimeNames)('a container of the %s runtime', (kind) => {
  let bench: Bench;
  afterEach(() => bench.close());
  const start = async (container: Partial<Container>, from = sources): Promise<void> => {
    bench = await Bench.start(kind);
    bench.runtime.useSources(from);
    bench.runtime.addPod(podWith(container, { restartPolicy: 'OnFailure' }));
  };
  const password: EnvVar = { name: 'WORD', valueFrom: { secretKeyRef: { name: 'pass', key: 'word' } } };

  it('gets its variables, also in its command, and its folder', async () => {
    await start({
      command: ['sh', '-c', 'echo "$WORD ipv4=$1 $2"; pwd; echo $KUBERNETES_SERVICE_HOST'],
      args: ['--', '$(HOST_IP)', '$$(HOST_IP)'],
      workingDir: '/srv/data',
      env: [password, { name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } }],
    });
    await bench.sees(() => bench.pod().status.phase, 'Succeeded');
    const lines = (await bench.log()).split('\n');
    expect(lines).toEqual([
      'open sesame ipv4=10.0.1.11 $(HOST_IP)',
      expect.stringMatching(/\/srv\/data$/),
      '10.96.0.1',
      '',
    ]);
  });

  it('keeps a variable whose name means something to JavaScript', async () => {
    await start({ ...sh('env | grep kept'), env: [{ name: '__proto__', value: 'kept' }] });
    await bench.sees(() => bench.pod().status.phase, 'Succeeded');
    expect(await bench.log()).toBe('__proto__=kept\n');
  });

  it.each<[string, Partial<Pod['spec']> & { readonly hostname?: string }, string]>([
    ['web-0', {}, 'web-0'],
    ['web-0', { hostname: 'box' }, 'box'],
    ['web-0', { hostNetwork: true, hostname: 'box' }, 'node-1'],
    [`${'a'.repeat(62)}.b`, {}, 'a'.repeat(62)],
  ])('knows its host name: %s, %j', async (pod, spec, wanted) => {
    const container = sh('echo $HOSTNAME; sleep 1000');
    bench = await Bench.start(kind, [podWith(container, spec, pod)]);
    await bench.sees(() => bench.log({ pod }), `${wanted}\n`);
  });

  it('has a home of its own, unless its spec names another', async () => {
    await start({ ...sh('echo $HOME'), env: [{ name: 'HOME', value: '/elsewhere' }] });
    await bench.sees(() => bench.pod().status.phase, 'Succeeded');
    expect(await bench.log()).toBe('/elsewhere\n');
  });

  it('waits for a Secret that is missing, and starts when it is there', async () => {
    const late: Record<string, Record<string, string>> = {};
    await start({ ...sh('echo $WORD'), env: [password] }, { ...sources, read: async () => late['pass'] });
    const message = 'secret "pass" not found';
    const state = { waiting: { reason: 'CreateContainerConfigError', message } };
    await bench.sees(() => bench.status(), { restartCount: 0, ready: false, state });
    expect(bench.pod().status.phase).toBe('Pending');
    await expect(bench.log()).rejects.toMatchObject({
      message: 'container "main" in pod "web-0" is waiting to start: CreateContainerConfigError',
    });
    late['pass'] = { word: 'at last' };
    bench.clock.advance(15_000);
    await bench.sees(() => bench.pod().status.phase, 'Succeeded');
    expect(await bench.log()).toBe('at last\n');
    expect(bench.status().restartCount).toBe(0);
    expect(JSON.stringify(bench.runtime.listPods())).not.toContain('at last');
  });

  it('counts a restart when it is created again, not while its ConfigMap is missing', async () => {
    const found: Record<string, string>[] = [{ COLOUR: 'red' }];
    const container = { ...sh('exit 1'), envFrom: [{ configMapRef: { name: 's' } }] };
    await start(container, { ...sources, read: async () => found.shift() });
    const state = { waiting: { reason: 'CreateContainerConfigError' } };
    await bench.sees(() => bench.status(), {
      restartCount: 0,
      state,
      lastState: { terminated: { exitCode: 1 } },
    });
    found.push({ COLOUR: 'blue' });
    bench.clock.advance(15_000);
    await bench.sees(() => bench.status().restartCount, 1);
  });

  it('does not tell a Secret that cannot be a variable', async () => {
    await start({ env: [password] }, { ...sources, read: async () => ({ word: 'open\0sesame' }) });
    await bench.sees(() => 'waiting' in bench.status().state === (kind === 'process'), true);
    const all = JSON.stringify([bench.runtime.listPods(), bench.journal]);
    expect(all).not.toContain('sesame');
  });

  it('reads everything again when it is restarted', async () => {
    const settings: Record<string, string> = { COLOUR: 'red' };
    const container = { ...sh('echo $COLOUR; sleep 1000'), envFrom: [{ configMapRef: { name: 's' } }] };
    await start(container, { ...sources, read: async () => ({ ...settings }) });
    await bench.sees(async () => bench.status().ready && (await bench.log()) === 'red\n', true);
    settings['COLOUR'] = 'blue';
    bench.runtime.restartContainer({ namespace: 'default', pod: 'web-0', container: 'main' });
    await bench.sees(async () => bench.status().ready && (await bench.log()) === 'blue\n', true);
    expect(await bench.log({ previous: true })).toBe('red\n');
  });

  it('can be removed while it waits for its variables', async () => {
    const pending = new Promise<void>(() => undefined);
    await start({}, { ...sources, pending });
    expect(bench.status().state).toEqual({ waiting: { reason: 'ContainerCreating' } });
    await bench.runtime.removePod('default', 'web-0');
    expect(bench.runtime.listPods()).toEqual([]);
  });
});
