import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Kubectl, KubectlBinary, KubectlResult } from '../support/kubectl.js';
import { once } from '../support/waits.js';
import { preferredProtocol } from './cluster.js';
import { type Situation, situations, type Webhook } from './situations.js';

export type Signal = 'SIGKILL' | 'SIGSTOP' | 'SIGTERM';

/** A cluster with the node `node-1` at 10.0.1.11 and the pod `shell`, whose parts can be killed. */
export interface Stage {
  readonly kubectl: () => Kubectl;
  /** Seconds of the cluster in one second. */
  readonly timeScale: number;
  /** Sends a signal to `agent/node-1`, `kubelet/node-1` or `server/server-1`. A lab knows SIGKILL alone. */
  signal(part: string, signal: Signal): Promise<void>;
  /** Starts again what a signal has ended or stopped, and waits until all works. */
  revive(): Promise<void>;
}

/** kubectls that the texts were recorded with. */
export const isRecorded = ({ minor }: KubectlBinary): boolean => [29, 33].includes(minor);

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
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: metadata('terminal') },
    spec: {
      nodeName: 'node-1',
      containers: [{ name: 'c', image: 'konnsim/shell', stdin: true, tty: true }],
    },
  },
  {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: metadata('empty') },
    spec: { ports: [{ port: 443 }], selector: { app: 'nothing' } },
  },
];

/** Applies objects as a user would. */
export async function apply(kubectl: Kubectl, things: readonly object[]): Promise<void> {
  const stdin = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: things });
  const { stderr } = await kubectl.run(['apply', '-f', '-'], { stdin });
  expect(stderr.replace(/^Warning: .*\n/gm, '')).toBe('');
}

/** Defines a test for each row of the table whose signal the cluster knows. */
export function defineSituations(
  binary: KubectlBinary,
  signals: readonly Signal[],
  stage: () => Stage,
): void {
  const addresses = useWebhookServers();
  beforeAll(() => apply(stage().kubectl(), objects));

  afterEach(() => stage().revive());
  const rows = situations.filter((row) => signals.includes(signalOf(row)?.signal ?? 'SIGKILL'));
  it.each(rows.map((row) => [row.name, row] as const))('%s', async (_name, row) => {
    const kubectl = stage().kubectl();
    if (row.webhook !== undefined) await apply(kubectl, [configuration(row.webhook, addresses)]);
    const { result, tookMs } = await ask(stage(), row);
    const way = preferredProtocol(binary, 'exec') === 'spdy' ? 'spdy' : 'webSocket';
    const says = typeof row.says === 'string' ? row.says : row.says[way];
    const exit = row.silentS === undefined ? row.exit : null;
    expect([result.code, wordsOf(result, addresses)]).toEqual([exit, says]);
    if (row.prints !== undefined) expect(result.stdout).toBe(row.prints);
    expect(tookMs).toBeGreaterThanOrEqual((row.afterS ?? row.silentS ?? 0) * 1000);
    if (row.webhook !== undefined) {
      const things = ['validatingwebhookconfiguration/mine', 'configmap/mine'];
      await kubectl.run(['delete', ...things, '--ignore-not-found']);
    }
  });
}

function signalOf({ killed, paused, terminated }: Situation): { part: string; signal: Signal } | undefined {
  if (killed !== undefined) return { part: killed, signal: 'SIGKILL' };
  if (paused !== undefined) return { part: paused, signal: 'SIGSTOP' };
  return terminated === undefined ? undefined : { part: terminated, signal: 'SIGTERM' };
}

/** `tookMs` is time of the cluster since the signal. */
async function ask(
  { kubectl, signal, timeScale }: Stage,
  row: Situation,
): Promise<{ readonly result: KubectlResult; readonly tookMs: number }> {
  const { asks, begun, silentS } = row;
  const running = begun === undefined ? undefined : kubectl().start(asks);
  if (begun !== undefined) await running?.waitFor(begun);
  const startedAt = performance.now();
  const sent = signalOf(row);
  if (sent !== undefined) await signal(sent.part, sent.signal);
  const limit = silentS === undefined ? {} : { timeoutMs: (silentS * 1000) / timeScale };
  const result = await (running?.result ?? kubectl().run(asks, limit));
  return { result, tookMs: (performance.now() - startedAt) * timeScale };
}

/** What answers behind the URLs of webhooks, by the names that the table has for them. */
function useWebhookServers(): ReadonlyMap<string, string> {
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
  return addresses;
}

function configuration(
  { service, url, failurePolicy }: Webhook,
  addresses: ReadonlyMap<string, string>,
): object {
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

function wordsOf({ stderr }: KubectlResult, addresses: ReadonlyMap<string, string>): string {
  const words = stderr
    .split('\n')
    .filter((line) => line !== '' && !/^[EWI]\d{4} /.test(line))
    .join('\n')
    .replaceAll(/10\.0\.1\.11|(?<=https:\/\/)node-1/g, 'HOST')
    .replace(/(dial unix |unix @->)\S+\.sock:/, '$1SOCKET:')
    // A kube-apiserver that was built with a newer grpc-go (1.81) says so.
    .replace('raw-read unix', 'read unix');
  return [...addresses].reduce((text, [name, place]) => text.replaceAll(place, name), words);
}
