import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { NodeRuntime } from '../../../src/containers/runtime.js';
import { eventually, once } from '../../support/waits.js';
import { sandbox, testPod } from '../containers/support.js';
import { type Bench, issueCertificates, startBench, type TestPki, TextSink } from './bench.js';
import { podOf, ref, startProcesses } from './process-support.js';

const tries = Number(process.env['KONNSIM_TRIES'] ?? 10);
const size = 1024 * 1024;

describe.each(['process', 'sandbox'] as const)('an upload over WebSocket v4 to the %s runtime', (kind) => {
  let pki: TestPki;
  let bench: Bench;
  let runtime: NodeRuntime;
  beforeAll(async () => {
    pki = await issueCertificates();
    runtime =
      kind === 'process'
        ? await startProcesses(podOf({}))
        : sandbox([testPod([{ name: 'main', image: 'busybox' }])]).runtime;
    bench = await startBench(pki, runtime);
  });
  afterAll(() => bench.close());

  async function sizeOf(file: string): Promise<string> {
    const stdout = new TextSink();
    const command = ['sh', '-c', `wc -c < ${file}`];
    await runtime.exec({ ...ref, command, tty: false }, { stdout, signal: new AbortController().signal });
    return stdout.text.trim();
  }

  it('is complete, and the rest of the script runs, although the client closes right after it', async () => {
    const { host, port } = bench.kubelet.address;
    for (let turn = 0; turn < tries; turn++) {
      const file = `up-${turn}`;
      const script = `cat > ${file}; echo more >> ${file}; mv ${file} done-${turn}`;
      const query = new URLSearchParams({ command: 'sh', input: '1', output: '1' });
      for (const word of ['-c', script]) query.append('command', word);
      const url = `wss://${host}:${port}/exec/default/web-0/main?${query.toString()}`;
      const ws = new WebSocket(url, ['v4.channel.k8s.io'], { ...pki.client, rejectUnauthorized: false });
      await once(ws, 'open');
      for (let sent = 0; sent < size; sent += 32_768)
        ws.send(Buffer.concat([Buffer.of(0), randomBytes(32_768)]));
      ws.close(1000);
      await once(ws, 'close');
      await eventually(async () => expect(await sizeOf(`done-${turn}`)).toBe(String(size + 5)));
    }
  }, 120_000);
});
