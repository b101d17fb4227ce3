import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import { ignoreEvents } from '../../../src/core/events.js';
import { createRandom } from '../../../src/core/random.js';
import type { Pod } from '../../../src/kube/pod-objects.js';
import { openSpdyRemoteCommand, type SpdyRemoteCommand } from '../../../src/streams/remote-command-client.js';
import { each, eventually, soon } from '../../support/waits.js';
import {
  type Bench,
  clock,
  issueCertificates,
  never,
  readAll,
  startBench,
  type TestPki,
  TextSink,
} from './bench.js';
import { ask, open, upgrade } from './http-client.js';
import { pod as template } from './scripted-runtime.js';

const pod: Pod = {
  ...template,
  spec: {
    nodeName: 'node-1',
    initContainers: [{ name: 'first', image: 'any', command: ['true'] }],
    containers: [
      { name: 'app', image: 'konnsim/echo:1', ports: [{ containerPort: 7000 }] },
      { name: 'ticker', image: 'konnsim/counter:1' },
    ],
  },
};
const app = { namespace: 'default', pod: 'web-0', container: 'app' };
const scripted = {
  kind: 'Exec',
  metadata: { namespace: 'default', name: 'web-0' },
  spec: { execs: [{ match: { argv: ['cut'] }, answer: { bytes: 100_000, disconnectAfterBytes: 5000 } }] },
} as const;

describe('both doors in front of the sandbox runtime', () => {
  let pki: TestPki;
  let bench: Bench;

  beforeAll(async () => {
    pki = await issueCertificates();
    const common = { clock, random: createRandom(1), emit: ignoreEvents };
    const runtime = createSandboxRuntime({
      nodeName: 'node-1',
      pods: [pod],
      behaviours: [scripted],
      ...common,
    });
    const isReady = (): boolean =>
      runtime.listPods()[0]?.status.containerStatuses.every(({ ready }) => ready) === true;
    await eventually(() => expect(isReady()).toBe(true));
    bench = await startBench(pki, runtime);
  });
  afterAll(() => bench.close());

  async function overHttp(command: readonly string[]): Promise<SpdyRemoteCommand> {
    const query = [
      ...command.map((word) => `command=${encodeURIComponent(word)}`),
      'input=1',
      'output=1',
    ].join('&');
    const protocol = 'v4.channel.k8s.io';
    const answer = await upgrade(bench.kubelet, pki.client, `/exec/default/web-0/app?${query}`, protocol);
    if (answer.kind === 'refused') throw new Error(answer.body.toString());
    const streams = { stdin: true, stdout: true, stderr: false, tty: false };
    return openSpdyRemoteCommand({ ...answer, protocol, streams, clock });
  }

  it('runs the same command with the same result through gRPC and HTTP', async () => {
    const command = ['sh', '-c', 'tr a-z A-Z | sort; exit 5'];
    const stdout = new TextSink();
    const stdin = Readable.from(['pear\n', 'apple\n']);
    const result = await bench.client.exec({ ...app, command, tty: false }, { stdin, stdout, signal: never });
    expect([result, stdout.text]).toEqual([{ kind: 'exit', code: 5 }, 'APPLE\nPEAR\n']);

    const run = await overHttp(command);
    run.stdin?.end('pear\napple\n');
    const output = run.stdout === undefined ? '' : await readAll(run.stdout);
    expect([await run.ended, output]).toEqual([
      { kind: 'status', result: { kind: 'exit', code: 5 } },
      'APPLE\nPEAR\n',
    ]);
    await run.close();
  });

  it('refuses exec and attach in a container that has ended, before the upgrade', async () => {
    const refusals = {
      '/exec/default/web-0/first?command=ls&output=1': 'container not found ("first")',
      '/attach/default/web-0/first?output=1': 'container first not found in pod web-0_default',
    };
    for (const [path, body] of Object.entries(refusals)) {
      const answer = await upgrade(bench.kubelet, pki.client, path, 'v4.channel.k8s.io');
      expect(answer.kind === 'refused' && [answer.status, answer.body.toString()]).toEqual([500, body]);
    }
  });

  it('carries megabytes through a command, both doors', async () => {
    const size = 5_000_000;
    const stdout = new TextSink();
    const stdin = Readable.from([Buffer.alloc(size, 'z')]);
    const request = { ...app, command: ['wc', '-c'], tty: false };
    await bench.client.exec(request, { stdin, stdout, signal: never });
    expect(stdout.text.trim()).toBe(String(size));
    const run = await overHttp(['wc', '-c']);
    run.stdin?.end(Buffer.alloc(size, 'z'));
    let text = '';
    run.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await run.ended;
    expect(text.trim()).toBe(String(size));
    await run.close();
  });

  it('breaks the connection where a scripted answer says so', async () => {
    const stdout = new TextSink();
    const cut = bench.client.exec({ ...app, command: ['cut'], tty: false }, { stdout, signal: never });
    await expect(cut).rejects.toMatchObject({ code: 'TUNNEL_CLOSED' });
    const run = await overHttp(['cut']);
    let receivedBytes = 0;
    run.stdout?.on('error', () => undefined).on('data', (chunk: Buffer) => (receivedBytes += chunk.length));
    expect(await run.ended).toMatchObject({ kind: 'cut' });
    expect(receivedBytes).toBe(5000);
  });

  it('forwards a port to a program of the pod, many times', async () => {
    await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        const stream = await bench.client.portForward({ namespace: 'default', pod: 'web-0', port: 7000 });
        stream.end(`hello ${index}`);
        expect(await readAll(stream)).toBe(`hello ${index}`);
      }),
    );
    await expect(
      bench.client.portForward({ namespace: 'default', pod: 'web-0', port: 9 }),
    ).rejects.toMatchObject({ code: 'PORT_CLOSED' });
    await eventually(() => expect(bench.kubelet.openRequests).toBe(0));
  });

  it('reads and follows the same log through both doors', async () => {
    let overGrpc = '';
    const logs = { ...app, follow: false, previous: false, timestamps: false };
    for await (const chunk of each(bench.client.logs(logs), 'part of the log'))
      overGrpc += Buffer.from(chunk).toString();
    expect(overGrpc).toBe('echoing on :7000\n');
    expect((await ask(bench.kubelet, pki.client, '/containerLogs/default/web-0/app')).text).toBe(overGrpc);
    const followed = await open(bench.kubelet, pki.client, '/containerLogs/default/web-0/app?follow=1');
    const first = await soon<string>(
      (resolve) => followed.once('data', (chunk) => resolve(String(chunk))),
      'first line',
    );
    expect(first).toBe(overGrpc);
    followed.destroy();
  });

  it('shows the pods of the runtime', async () => {
    const [shown] = await bench.client.listPods();
    expect(shown).toMatchObject({
      name: 'web-0',
      phase: 'Running',
      containers: [{ name: 'app' }, { name: 'ticker' }],
    });
  });
});
