import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeEachKubectl, type KubectlResult } from '../support/kubectl.js';
import { once } from '../support/waits.js';
import { preferredProtocol, reviveParts, useCluster, useKubectl } from './cluster.js';
import { type Situation, situations, type Webhook } from './situations.js';

/** So fast that 30 s pass in 10, and so slow that no limit of 10 s ends on a busy machine. */
const timeScale = 3;
const cluster = useCluster({ timeScale });
const metadata = (name: string): object => ({ name, namespace: 'default' });

const objects = [
  {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: metadata('far') },
    spec: { nodeName: 'node-9', containers: [{ name: 'c', image: 'konnsim/shell' }] },
  },
  {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: metadata('ticks') },
    spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'konnsim/counter' }] },
  },
  {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: metadata('empty') },
    spec: { ports: [{ port: 443 }], selector: { app: 'nothing' } },
  },
];

/** What answers behind the URLs of webhooks, by the names that the table has for them. */
const addresses = new Map<string, string>();
const servers: Readonly<Record<string, Server>> = {
  PLAIN: createHttpServer((_request, response) => response.end('plain')),
  SLOW: createServer(),
};
beforeAll(async () => {
  for (const [name, server] of Object.entries(servers)) {
    server.on('connection', (socket) => socket.on('error', () => undefined));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    addresses.set(name, `127.0.0.1:${(server.address() as AddressInfo).port}`);
  }
});
afterAll(() => {
  for (const server of Object.values(servers)) server.close();
});

function configuration({ service, url, failurePolicy }: Webhook): object {
  const address = [...addresses].reduce((text, [name, place]) => text?.replace(name, place), url);
  return {
    ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration' },
    metadata: { name: 'mine' },
    webhooks: [
      {
        ...{ name: 'mine.konnsim.example', admissionReviewVersions: ['v1'], sideEffects: 'None' },
        rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
        clientConfig:
          service === undefined ? { url: address } : { service: { ...service, namespace: 'default' } },
        timeoutSeconds: 2,
        failurePolicy,
      },
    ],
  };
}

function wordsOf({ stderr }: KubectlResult): string {
  return stderr
    .split('\n')
    .filter((line) => line !== '' && !/^[EWI]\d{4} /.test(line))
    .join('\n')
    .replaceAll('10.0.1.11', 'HOST')
    .replaceAll(addresses.get('PLAIN') ?? '', 'PLAIN')
    .replaceAll(addresses.get('SLOW') ?? '', 'SLOW')
    .replace(/dial unix \S+\.sock:/, 'dial unix SOCKET:');
}

describeEachKubectl('what kubectl shows', (binary) => {
  const recorded = [29, 33].includes(binary.minor);
  const kubectl = useKubectl(binary, cluster);
  beforeAll(async () => {
    if (!recorded) return;
    await apply(...objects);
  });

  it.runIf(recorded).each(situations.map((row) => [row.name, row] as const))('%s', async (_name, row) => {
    if (row.webhook !== undefined) await apply(configuration(row.webhook));
    const { result, tookMs } = await ask(row);
    const way = preferredProtocol(binary, 'exec') === 'spdy' ? 'spdy' : 'webSocket';
    const says = typeof row.says === 'string' ? row.says : row.says[way];
    expect([result.code, wordsOf(result)]).toEqual([row.exit, says]);
    if (row.afterS !== undefined) expect(tookMs).toBeGreaterThanOrEqual(row.afterS * 1000);
    if (row.webhook !== undefined)
      await kubectl().run([
        'delete',
        'validatingwebhookconfiguration/mine',
        'configmap/mine',
        '--ignore-not-found',
      ]);
    await reviveParts(cluster().lab);
  });

  async function apply(...things: readonly object[]): Promise<void> {
    const stdin = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: things });
    expect((await kubectl().run(['apply', '-f', '-'], { stdin })).stderr).toBe('');
  }

  /** `tookMs` is lab time since the kill. */
  async function ask({
    asks,
    killed,
    begun,
  }: Situation): Promise<{ readonly result: KubectlResult; readonly tookMs: number }> {
    const running = begun === undefined ? undefined : kubectl().start(asks);
    if (begun !== undefined) await running?.waitFor(begun);
    const startedAt = performance.now();
    if (killed !== undefined) await cluster().lab.part(killed).kill();
    const result = await (running?.result ?? kubectl().run(asks));
    return { result, tookMs: (performance.now() - startedAt) * timeScale };
  }
});
