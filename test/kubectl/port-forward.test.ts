import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { TunnelError } from '../../src/core/errors.js';
import { createKubectl, describeEachKubectl, type Kubectl, type KubectlProcess } from '../support/kubectl.js';
import { startTestCluster, type TestCluster } from './cluster.js';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster();
});
afterAll(() => cluster.close());

describeEachKubectl('port-forward', (binary) => {
  let kubectl: Kubectl;
  beforeEach(async () => {
    kubectl = await createKubectl(binary, cluster.kubeconfig);
  });
  afterEach(() => kubectl.close());

  async function forward(
    target: string,
    remotePort: number,
  ): Promise<{ process: KubectlProcess; port: number }> {
    const process = kubectl.start(['port-forward', target, `:${remotePort}`]);
    const [, port] = await process.waitFor(/^Forwarding from 127\.0\.0\.1:(\d+) -> /m);
    return { process, port: Number(port) };
  }

  it.each([
    ['a pod', 'web-1', 8080],
    ['a service', 'svc/web', 80],
    ['a deployment', 'deploy/web', 8080],
  ])('reaches the port of %s', async (_what, target, remotePort) => {
    const { port } = await forward(target, remotePort);
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    expect(answer.status).toBe(200);
    expect((await answer.text()).length).toBeGreaterThan(0);
  });

  it('carries bytes both ways, and many connections', async () => {
    const { port, process } = await forward('echo', 7);
    const talk = async (text: string): Promise<string> => {
      const socket = connect(port, '127.0.0.1');
      socket.write(text);
      let got = '';
      while (got.length < text.length) got += String((await once(socket, 'data'))[0]);
      socket.destroy();
      return got;
    };
    const texts = ['a', 'b'.repeat(100_000), 'c'.repeat(10)];
    expect(await Promise.all(texts.map(talk))).toEqual(texts);
    expect(cluster.api.openStreams().portforward).toBe(1);
    await process.stop();
    await expect.poll(() => cluster.api.openStreams().portforward).toBe(0);
  });

  it('says so when nobody reaches the node', async () => {
    cluster.failDials('node-1', new TunnelError('NO_AGENT', 'No agent available'));
    try {
      expect(await kubectl.run(['port-forward', 'echo', ':7'])).toMatchObject({
        code: 1,
        stderr: 'error: error upgrading connection: error dialing backend: No agent available\n',
      });
    } finally {
      cluster.failDials('node-1', undefined);
    }
  });

  it('ends when its connection is cut', async () => {
    const { process } = await forward('echo', 7);
    cluster.cutConnections('node-1');
    expect(await process.result).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('lost connection to pod'),
    });
  });
});
