import { expect, it } from 'vitest';
import { describeEachKubectl } from '../support/kubectl.js';
import { waitMs } from '../support/waits.js';
import { isOldestOrNewest, killAgent, preferredProtocol, useCluster, useKubectl } from './cluster.js';

/** Ideal parts. What the real ones show is in `situations.ts`. */
const cluster = useCluster({ as: 'ideal' });

describeEachKubectl('exec when parts die', (binary) => {
  const webSocket = preferredProtocol(binary, 'exec') === 'websocket-v5';
  const kubectl = useKubectl(binary, cluster);

  it('that loses its agent ends at once, with a failure that says so', async () => {
    const running = kubectl().start(['exec', 'shell', '--', 'sh', '-c', 'echo begun; sleep 60']);
    await running.waitFor(/begun/);
    const startAgain = await killAgent(cluster(), 'node-1');
    const killedAt = performance.now();
    const { code, stdout, stderr } = await running.result;
    expect(performance.now() - killedAt).toBeLessThan(1000);
    expect(stdout).toBe('begun\n');
    expect(stderr).toMatch(/^error: Internal error occurred: error reading from error stream: .+/);
    expect(code).toBe(1);
    await startAgain();
  });

  it('cannot begin without the agent, reports that in the words of its protocol, and works again with the agent', async () => {
    const startAgain = await killAgent(cluster(), 'node-1');
    expect(await kubectl().run(['exec', 'shell', '--', 'ls'])).toMatchObject({
      code: 1,
      stderr: webSocket
        ? 'error: Internal error occurred: error sending request: Post "https://10.0.1.11:10250' +
          '/exec/default/shell/shell?command=ls&error=1&output=1": No agent available\n'
        : 'Error from server: error dialing backend: No agent available\n',
    });
    // The other node has its own agent.
    expect(await kubectl().run(['exec', 'web-2', '--', 'echo', 'alive'])).toMatchObject({
      stdout: 'alive\n',
    });
    await startAgain();
    expect(await kubectl().run(['exec', 'shell', '--', 'echo', 'back'])).toMatchObject({ stdout: 'back\n' });
  });

  it('says so when the kubelet refuses, and works when it is back', async () => {
    const kubelet = cluster().lab.part('kubelet/node-1');
    await kubelet.kill();
    const { code, stderr } = await kubectl().run(['exec', 'shell', '--', 'ls']);
    expect(stderr).toContain('dial tcp 10.0.1.11:10250: connect: connection refused');
    expect(code).toBe(1);
    await kubelet.start();
    expect((await kubectl().run(['exec', 'shell', '--', 'ls'])).code).toBe(0);
  });

  it.runIf(isOldestOrNewest(binary))(
    'loses the proxy-server, whose agents come back by themselves',
    async () => {
      const { lab } = cluster();
      const running = kubectl().start(['exec', 'shell', '--', 'sh', '-c', 'echo begun; sleep 60']);
      await running.waitFor(/begun/);
      const server = lab.part('server/server-1');
      await server.kill();
      expect((await running.result).code).toBe(1);
      const { code, stderr } = await kubectl().run(['exec', 'shell', '--', 'ls']);
      expect(stderr).toMatch(/^[Ee]rror.*: .+/);
      expect(code).toBe(1);
      const since = lab.mark();
      await server.start();
      for (const { name } of lab.nodes)
        await lab.waitFor({ kind: 'backend.connected', peer: `agent/${name}` }, { since, withinMs: waitMs });
      expect(await kubectl().run(['exec', 'shell', '--', 'echo', 'back'])).toMatchObject({
        stdout: 'back\n',
      });
    },
  );
});

describeEachKubectl('port-forward when parts die', (binary) => {
  const kubectl = useKubectl(binary, cluster);

  it.runIf([27, 29, 33].includes(binary.minor))('ends with its agent, as a failure', async () => {
    const running = kubectl().start(['port-forward', 'web-1', ':8080']);
    await running.waitFor(/Forwarding from 127/);
    const startAgain = await killAgent(cluster(), 'node-1');
    const { code, stderr } = await running.result;
    expect(stderr).toContain('error: lost connection to pod');
    expect(code).toBe(1);
    await startAgain();
  });
});
