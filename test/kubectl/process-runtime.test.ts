import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { webhookYaml } from '../../src/scenario/sample-webhook.js';
import { describeEachKubectl, dryRunPod } from '../support/kubectl.js';
import { missingPty } from '../support/pty.js';
import { waitMs } from '../support/waits.js';
import { isOldestOrNewest, useCluster, useKubectl } from './cluster.js';

// Webhooks are called at the addresses of pods, which no agent names as its own.
const cluster = useCluster({ runtime: 'process', nodes: 1, strategies: ['default'] });
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describeEachKubectl('containers that are processes', (binary) => {
  if (!isOldestOrNewest(binary)) {
    it.skip('is tried with the oldest and the newest kubectl only', () => undefined);
    return;
  }
  const kubectl = useKubectl(binary, cluster);
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'konnsim-cp-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([0, 7, 255])('exec gives output, error output and exit code %d', async (code) => {
    const script = `echo out; echo err >&2; exit ${code}`;
    const ran = await kubectl().run(['exec', 'web-1', '--', 'sh', '-c', script]);
    expect(ran).toMatchObject({ stdout: 'out\n', code });
    expect(ran.stderr).toMatch(/^err\n/);
  });

  it('exec reports the signal that ended the command', async () => {
    expect(await kubectl().run(['exec', 'web-1', '--', 'sh', '-c', 'kill -KILL $$'])).toMatchObject({
      code: 137,
    });
  });

  it('exec -i carries 20 MiB each way, with every byte unchanged', async () => {
    const stdin = randomBytes(20 * 1024 * 1024);
    const result = await kubectl().run(['exec', '-i', 'web-1', '--', 'cat'], { stdin, encoding: 'latin1' });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(sha256(Buffer.from(result.stdout, 'latin1'))).toBe(sha256(stdin));
  });

  it.skipIf(missingPty() !== undefined)('exec -it is a terminal: size, interrupt, exit code', async () => {
    const pty = kubectl().onTerminal(['exec', '-it', 'web-1', '--', 'sh']);
    await pty.waitFor(/[$#] $/);
    await pty.answer('echo $((40 + 2)); stty size', /\n42\r\n24 80\r\n/);
    pty.resize(30, 90);
    await expect.poll(async () => (await pty.answer('stty size', /\n(\d+ \d+)\r\n/))[1]).toBe('30 90');
    const mark = pty.mark();
    // Its own words tell that it has the terminal: a shell that is still on its way to it would take the interrupt.
    pty.type("sh -c 'echo be''gun; exec sleep 1000'\r");
    const { index } = await pty.waitFor(/begun\r\n/, mark);
    pty.type('\x03');
    await pty.waitFor(/[$#] $/, mark + index);
    pty.type('seq 1 2000; exit 7\r');
    const { code, restored, screen } = await pty.finished();
    expect({ code, restored }).toEqual({ code: 7, restored: true });
    expect(screen).toContain('\n1999\r\n2000\r\n');
  });

  it('cp carries a file and a folder both ways', async () => {
    const bytes = randomBytes(8 * 1024 * 1024);
    const sent = join(folder, `sent-${binary.version}`);
    await mkdir(join(sent, 'deep'), { recursive: true });
    await writeFile(join(sent, 'big'), bytes);
    await writeFile(join(sent, 'deep', 'small'), 'small\n');
    expect(await kubectl().run(['cp', sent, 'web-1:sent'])).toMatchObject({ code: 0 });
    const sum = await kubectl().run(['exec', 'web-1', '--', 'sha256sum', 'sent/big']);
    expect(sum.stdout).toBe(`${sha256(bytes)}  sent/big\n`);
    const back = join(folder, `back-${binary.version}`);
    expect(await kubectl().run(['cp', 'web-1:sent', back])).toMatchObject({ code: 0 });
    expect(sha256(await readFile(join(back, 'big')))).toBe(sha256(bytes));
    expect(await readFile(join(back, 'deep', 'small'), 'utf8')).toBe('small\n');
    await kubectl().run(['exec', 'web-1', '--', 'rm', '-r', 'sent']);
  });

  it('logs -f follows a process', async () => {
    const following = kubectl().start(['logs', '-f', '--tail=1', 'counter']);
    await following.waitFor(/\d+: \S+ tick\n\d+: \S+ tick\n/);
    await following.stop();
  });

  it('port-forward reaches the program of an image, by pod and by service', async () => {
    for (const target of ['web-1', 'svc/web']) {
      const forward = kubectl().start(['port-forward', target, target === 'web-1' ? ':8080' : ':80']);
      const [, port] = await forward.waitFor(/127\.0\.0\.1:(\d+)/);
      const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
      expect(await answer.text()).toMatch(/^pod: web-[12]\nnamespace: default\nnode: node-1\n/);
      await forward.stop();
    }
  });

  it('the sample webhook marks pods and denies them, and services are reached through the API', async () => {
    expect(await kubectl().run(['apply', '-f', '-'], { stdin: await webhookYaml() })).toMatchObject({
      code: 0,
    });
    try {
      await kubectl().run(['rollout', 'status', 'deploy/webhook', '--timeout=25s']);
      await kubectl().run(['label', 'namespace', 'default', 'konnsim/webhook=on', '--overwrite']);
      await expect
        .poll(async () => (await kubectl().run(dryRunPod('marked', 'a=b'))).stdout, { timeout: waitMs })
        .toContain('konnsim/admitted: "true"');
      const denied = await kubectl().run(dryRunPod('denied', 'konnsim/deny=true'));
      expect(denied.stderr).toContain('pods labelled konnsim/deny=true are not wanted here');
      const proxied = ['get', '--raw', '/api/v1/namespaces/default/services/web:80/proxy/'];
      expect((await kubectl().run(proxied)).stdout).toMatch(/^pod: web-[12]\n/);
    } finally {
      await kubectl().run(['label', 'namespace', 'default', 'konnsim/webhook-']);
      await kubectl().run(['delete', '--ignore-not-found', '-f', '-'], { stdin: await webhookYaml() });
    }
  });

  it('port-forward connects to a port of this host', async () => {
    const api = new URL(cluster().lab.apiServerUrl).port;
    const forward = kubectl().start(['port-forward', 'web-1', `:${api}`]);
    const [, port] = await forward.waitFor(/127\.0\.0\.1:(\d+)/);
    // It is the façade's TLS port: the façade itself answers a plain request, through the whole tunnel.
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch((error: Error) => error);
    expect(answer).toBeInstanceOf(Error);
    await forward.stop();
  });

  it.skipIf(missingPty() !== undefined)(
    'attach -it drives the main process, and its end restarts the container',
    async () => {
      // Of its own: the next kubectl would meet a container that ended a moment ago, and wait for its back-off.
      const pod = `typed-${binary.minor}`;
      const made = await kubectl().run(['run', pod, '--image=any', '-it', '--attach=false', '--', 'sh']);
      expect(made).toMatchObject({ code: 0 });
      const ready = await kubectl().run(['wait', '--for=condition=Ready', `pod/${pod}`, '--timeout=25s']);
      expect(ready).toMatchObject({ code: 0 });
      const pty = kubectl().onTerminal(['attach', '-it', pod]);
      await pty.waitFor(/try pressing enter/);
      await pty.answer('', /\n/);
      // A shell that was slow to start answers the first line only now: its prompt is before the answer.
      await pty.answer('echo $((6 * 7))', /\n([$#] )?42\r\n/);
      pty.type('exit\r');
      expect(await pty.finished()).toMatchObject({ code: 0, restored: true });
      await expect
        .poll(async () => (await kubectl().run(['exec', pod, '--', 'echo', 'again'])).stdout)
        .toBe('again\n');
      expect(await kubectl().run(['delete', 'pod', pod])).toMatchObject({ code: 0 });
    },
  );
});
