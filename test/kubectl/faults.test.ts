import { expect, it } from 'vitest';
import { describeEachKubectl } from '../support/kubectl.js';
import { isOldestOrNewest, killAgent, preferredProtocol, useCluster, useKubectl } from './cluster.js';

const cluster = useCluster();

describeEachKubectl('exec when parts die', (binary) => {
  const webSocket = preferredProtocol(binary, 'exec') === 'websocket-v5';
  const kubectl = useKubectl(binary, cluster);

  /**
   * A SPDY client cannot be told: kubectl takes the end of the connection for the end of the command and exits 0, with
   * every kube-apiserver. A WebSocket client gets the failure as the command's status.
   */
  it('that loses its agent ends at once: over WebSocket as a failure, over SPDY with exit 0', async () => {
    const running = kubectl().start(['exec', 'shell', '--', 'sh', '-c', 'echo begun; sleep 60']);
    await running.waitFor(/begun/);
    const startAgain = await killAgent(cluster(), 'node-1');
    const killedAt = performance.now();
    const { code, stdout, stderr } = await running.result;
    expect(performance.now() - killedAt).toBeLessThan(1000);
    expect(stdout).toBe('begun\n');
    if (webSocket) {
      expect(stderr).toMatch(/^error: .+/);
      expect(code).toBe(1);
    } else expect([stderr, code]).toEqual(['', 0]);
    await startAgain();
  });

  it('cannot begin without the agent, says so in the words of its wire, and works again with it', async () => {
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
    const kubelet = cluster().lab.node('kubelet/node-1');
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
      const server = lab.node('server/server-1');
      await server.kill();
      expect((await running.result).code).toBe(webSocket ? 1 : 0);
      const { code, stderr } = await kubectl().run(['exec', 'shell', '--', 'ls']);
      expect(stderr).toMatch(/^[Ee]rror.*: .+/);
      expect(code).toBe(1);
      const since = lab.mark();
      await server.start();
      for (const { name } of lab.nodes)
        await lab.waitFor({ kind: 'backend.connected', peer: `agent/${name}` }, { since, withinMs: 15_000 });
      expect(await kubectl().run(['exec', 'shell', '--', 'echo', 'back'])).toMatchObject({
        stdout: 'back\n',
      });
    },
  );
});
