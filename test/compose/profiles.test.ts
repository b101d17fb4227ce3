import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from './compose.js';
import { type ComposeLab, startComposeLab } from './lab.js';

/** Defines a suite for a profile, if the images that it needs are given as the profile itself takes them. */
function describeWith(title: string, images: readonly string[], define: () => void): void {
  const missing = images.filter((name) => !process.env[name]);
  if (missing.length === 0) {
    describe(title, define);
    return;
  }
  const reason = `${missing.join(' and ')} not set`;
  process.stderr.write(`SKIPPED: ${title}: ${reason}\n`);
  describe.skip(`${title} (SKIPPED: ${reason})`, () => it('needs images', () => undefined));
}

let lab: ComposeLab;

afterAll(async () => {
  await lab?.close();
});

describeWith(
  'profile real: released proxy-server and agents',
  ['KONNECTIVITY_SERVER_IMAGE', 'KONNECTIVITY_AGENT_IMAGE'],
  () => {
    beforeAll(async () => {
      lab = await startComposeLab('real', { BACKEND_DIAL_TIMEOUT: '3s' }, 'deploy/real.env');
      await lab.healed();
    });

    afterAll(() => lab.close());

    it('read logs and run commands on both nodes', async () => {
      const hostname = (await lab.compose.exec('kubelet-1', ['hostname'])).stdout;
      expect(await lab.run(['exec', 'shell', '--', 'hostname'])).toMatchObject({ code: 0, stdout: hostname });
      expect((await lab.run(['exec', 'shell', '--', 'sh', '-c', 'exit 7'])).code).toBe(7);
      expect((await lab.run(['logs', '--tail=1', 'counter'])).stdout).toMatch(/tick/);
    });

    it('are the way: without its released agent a node is lost, though ours runs', async () => {
      await lab.compose.do(['kill', 'real-agent-1']);
      const { code, stderr } = await lab.run(['exec', 'shell', '--', 'true']);
      expect(code).toBe(1);
      expect(stderr).toContain('No agent available');
      expect(await lab.run(['exec', 'counter', '--', 'true'])).toMatchObject({ code: 0 });
      await lab.compose.do(['start', 'real-agent-1']);
      await lab.healed();
    });
  },
);

describeWith('profile apiserver: a released kube-apiserver', ['KUBE_APISERVER_IMAGE', 'ETCD_IMAGE'], () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'mine' },
    spec: {
      nodeName: 'node-1',
      containers: [{ name: 'main', image: 'any', command: ['sh', '-c', 'echo begun; exec sleep 1000'] }],
    },
  };

  beforeAll(async () => {
    lab = await startComposeLab('apiserver', {}, 'deploy/apiserver.env');
  });

  it('sees both nodes, which our kubelets register', async () => {
    await eventually(async () => {
      const { stdout } = await lab.run(['get', 'nodes']);
      expect(stdout).toMatch(/^node-1 +Ready/m);
      expect(stdout).toMatch(/^node-2 +Ready/m);
    });
  });

  it('reads logs and runs commands in a pod through the tunnel', async () => {
    const applied = await lab.run(['apply', '-f', '-'], { stdin: JSON.stringify(pod) });
    expect(applied).toMatchObject({ code: 0, stdout: 'pod/mine created\n' });
    const waited = await lab.run(['wait', '--for=condition=Ready', 'pod/mine', '--timeout=30s'], {
      timeoutMs: 40_000,
    });
    expect(waited).toMatchObject({ code: 0, stderr: '' });
    expect(await lab.run(['logs', 'mine'])).toMatchObject({ code: 0, stdout: 'begun\n' });
    const hostname = (await lab.compose.exec('kubelet-1', ['hostname'])).stdout;
    const { code, stdout } = await lab.run(['exec', 'mine', '--', 'sh', '-c', 'hostname; exit 7']);
    expect([code, stdout]).toEqual([7, hostname]);
  });

  it('says what is seen when the agent is gone, and heals', async () => {
    await lab.compose.do(['kill', 'agent-1']);
    const { code, stderr } = await lab.run(['exec', 'mine', '--', 'true']);
    expect(code).toBe(1);
    expect(stderr).toContain('No agent available');
    await lab.compose.do(['start', 'agent-1']);
    await eventually(async () => {
      expect(await lab.run(['exec', 'mine', '--', 'true'])).toMatchObject({ code: 0 });
    });
  });
});
