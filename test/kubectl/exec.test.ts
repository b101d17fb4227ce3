import { createHash, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { TunnelError } from '../../src/core/errors.js';
import { createKubectl, describeEachKubectl, type Kubectl } from '../support/kubectl.js';
import { startTestCluster, type TestCluster } from './cluster.js';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster();
});
afterAll(() => cluster.close());

describeEachKubectl('exec and attach', (binary) => {
  /** kubectl uses WebSockets for exec from 1.30 on, SPDY before. */
  const webSocket = binary.minor >= 30;
  let kubectl: Kubectl;
  beforeEach(async () => {
    kubectl = await createKubectl(binary, cluster.kubeconfig);
  });
  afterEach(() => kubectl.close());

  it('gives output, error output and exit code', async () => {
    const script = 'echo out; echo err >&2; exit 42';
    expect(await kubectl.run(['exec', 'shell', '--', 'sh', '-c', script])).toMatchObject({
      stdout: 'out\n',
      stderr: 'err\ncommand terminated with exit code 42\n',
      code: 42,
    });
  });

  it('passes stdin through whole, and its end', async () => {
    const input = randomBytes(300_000).toString('base64');
    const result = await kubectl.run(['exec', '-i', 'shell', '--', 'sha256sum'], { stdin: input });
    expect(result.code).toBe(0);
    expect(result.stdout).toContain(createHash('sha256').update(input).digest('hex'));
  });

  it('takes a deployment, and a container of several', async () => {
    const inDeployment = await kubectl.run(['exec', 'deploy/web', '--', 'hostname']);
    expect(inDeployment.stdout).toMatch(/^web-[12]\n$/);
    expect(await kubectl.run(['exec', 'pair', '-c', 'sidecar', '--', 'echo', 'hi'])).toMatchObject({
      code: 0,
      stdout: 'hi\n',
    });
  });

  it('works in a terminal', async () => {
    const shell = kubectl.start(['exec', '-it', 'shell', '--', 'sh'], { terminal: true });
    await shell.waitFor(/[$#] $/);
    shell.child.stdin.write('echo $((40 + 2))\n');
    await shell.waitFor(/^42\r?$/m);
    shell.child.stdin.write('exit 7\n');
    expect(await shell.result).toMatchObject({ code: 7 });
  });

  it('joins the main process', async () => {
    const attach = kubectl.start(['attach', 'counter']);
    await attach.waitFor(/^\d+: \S+ tick/m);
    expect(cluster.api.openStreams().attach).toBe(1);
    await attach.stop();
    await expect.poll(() => cluster.api.openStreams().attach).toBe(0);
  });

  it('tells start, end, wire and exit code of each request', async () => {
    const since = cluster.events.length;
    await kubectl.run(['exec', 'shell', '--', 'sh', '-c', 'exit 3']);
    const told = () =>
      cluster.events
        .slice(since)
        .filter((event) => event.node.startsWith('apiserver/') && 'verb' in event && event.verb === 'exec');
    await expect.poll(told).toHaveLength(2);
    const protocol = webSocket ? 'websocket-v5' : 'spdy';
    expect(told()).toMatchObject([
      { kind: 'request.started', path: '/api/v1/namespaces/default/pods/shell/exec', protocol },
      { kind: 'request.finished', protocol, status: 101, ...(webSocket ? { exitCode: 3 } : {}) },
    ]);
  });

  it.each([
    [['exec', 'zap', '--', 'ls'], 'Error from server (NotFound): pods "zap" not found\n'],
    [
      ['exec', 'shell', '-c', 'zap', '--', 'ls'],
      'Error from server (BadRequest): container zap is not valid for pod shell\n',
    ],
  ])('says of %j what is wrong', async (args, stderr) => {
    expect(await kubectl.run(args)).toMatchObject({ code: 1, stderr });
  });

  it('says so when nobody reaches the node, in the words of its wire', async () => {
    cluster.failDials('node-1', new TunnelError('NO_AGENT', 'No agent available'));
    try {
      const { code, stderr } = await kubectl.run(['exec', 'shell', '--', 'ls']);
      expect(code).toBe(1);
      expect(stderr).toMatch(
        webSocket
          ? /^error: Internal error occurred: error sending request: Post "https:\/\/node-1:10250\/exec\/default\/shell\/shell\?command=ls&error=1&output=1": No agent available\n$/
          : /^Error from server: error dialing backend: No agent available\n$/,
      );
    } finally {
      cluster.failDials('node-1', undefined);
    }
  });

  it('that is cut is success over SPDY, as with every kube-apiserver, and a failure over WebSocket', async () => {
    const running = kubectl.start(['exec', 'shell', '--', 'sh', '-c', 'echo begun; sleep 60']);
    await running.waitFor(/begun/);
    cluster.cutConnections('node-1');
    const { code, stdout } = await running.result;
    expect(stdout).toBe('begun\n');
    expect(code).toBe(webSocket ? 1 : 0);
  });
});
