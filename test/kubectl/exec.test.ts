import { createHash, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { describeEachKubectl } from '../support/kubectl.js';
import {
  isOldestOrNewest,
  preferredProtocol,
  requestOver,
  requestsSince,
  useCluster,
  useKubectl,
} from './cluster.js';

const cluster = useCluster();
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describeEachKubectl('exec and attach', (binary) => {
  const webSocket = preferredProtocol(binary, 'exec') === 'websocket-v5';
  const kubectl = useKubectl(binary, cluster);

  it.each([0, 3, 255])('gives output, error output and exit code %d', async (code) => {
    const script = `echo out; echo err >&2; exit ${code}`;
    const last = code === 0 ? '' : `command terminated with exit code ${code}\n`;
    expect(await kubectl().run(['exec', 'shell', '--', 'sh', '-c', script])).toMatchObject({
      stdout: 'out\n',
      stderr: `err\n${last}`,
      code,
    });
  });

  const sizeMiB = isOldestOrNewest(binary) ? 20 : 1;
  it(`carries ${sizeMiB} MiB each way, with every byte unchanged`, async () => {
    const stdin = randomBytes(sizeMiB * 1024 * 1024);
    const result = await kubectl().run(['exec', '-i', 'shell', '--', 'cat'], { stdin, encoding: 'latin1' });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(sha256(Buffer.from(result.stdout, 'latin1'))).toBe(sha256(stdin));
  });

  it('passes the end of stdin to the command, and waits for its last output', async () => {
    const stdin = 'pear\napple\nfig\n';
    const sorted = await kubectl().run(['exec', '-i', 'shell', '--', 'sort'], { stdin });
    expect(sorted).toMatchObject({ code: 0, stdout: 'apple\nfig\npear\n' });
    const counted = await kubectl().run(['exec', '-i', 'shell', '--', 'wc', '-c'], { stdin });
    expect(counted).toMatchObject({ code: 0, stdout: `${stdin.length}\n` });
  });

  it('accepts a deployment, and one of several containers', async () => {
    const inDeployment = await kubectl().run(['exec', 'deploy/web', '--', 'hostname']);
    expect(inDeployment.stdout).toMatch(/^web-[12]\n$/);
    expect(await kubectl().run(['exec', 'pair', '-c', 'sidecar', '--', 'echo', 'hi'])).toMatchObject({
      code: 0,
      stdout: 'hi\n',
    });
  });

  it('works in a terminal, and passes changes of its size to the shell', async () => {
    const shell = kubectl().start(['exec', '-it', 'shell', '--', 'sh'], { terminal: true });
    await shell.waitFor(/[$#] $/);
    shell.child.stdin.write('echo $((40 + 2)); stty size\n');
    await shell.waitFor(/^42\r?\n24 80\r?$/m);
    // The prompt, and the echo of what is typed meanwhile, may be before an answer in its line.
    const seen = shell.waitFor(/(?<!\d)2\d 90\r?$/m);
    // A resize travels beside stdin: only asking again shows that it has arrived. A kubectl that has not sent a size yet
    // drops the next, so one change is not enough.
    let changes = 0;
    const asking = setInterval(() => {
      shell.resize(20 + (changes++ % 2), 90);
      shell.child.stdin.write('stty size\n');
    }, 100);
    await seen.finally(() => clearInterval(asking));
    shell.child.stdin.write('exit 7\n');
    expect(await shell.result).toMatchObject({ code: 7 });
  });

  it('attaches to the main process', async () => {
    const attach = kubectl().start(['attach', 'counter']);
    try {
      await attach.waitFor(/^\d+: \S+ tick/m);
      expect(cluster().openStreams().attach).toBe(1);
      await attach.stop();
    } finally {
      // As with kube-apiserver, a WebSocket's connection to the kubelet stays until the container ends.
      cluster().lab.restartContainer('counter');
    }
  });

  it.each(['attach -i shell', 'attach shell'])('refuses "%s" without a terminal', async (line) => {
    const { code, stderr } = await kubectl().run(line.split(' '));
    // client-go takes this body for a Status without a text, where it reads it itself (see refusals.test.ts).
    const text = 'rpc error: code = InvalidArgument desc = tty and stderr cannot both be true';
    const shown = `error: Internal error occurred: unable to upgrade connection: ${text}\n`;
    expect(stderr.endsWith(webSocket ? shown : 'Error from server: \n'), stderr).toBe(true);
    expect(code).toBe(1);
  });

  it('reports start, end, protocol and exit code of each request', async () => {
    const { lab } = cluster();
    const mark = lab.mark();
    await kubectl().run(['exec', 'shell', '--', 'sh', '-c', 'exit 3']);
    await requestOver(lab, mark, 'exec');
    const protocol = preferredProtocol(binary, 'exec');
    expect(requestsSince(lab, mark).filter(({ verb }) => verb === 'exec')).toMatchObject([
      { kind: 'request.started', path: '/api/v1/namespaces/default/pods/shell/exec', protocol },
      { kind: 'request.finished', protocol, status: 101, ...(webSocket ? { exitCode: 3 } : {}) },
    ]);
  });

  it.each([
    [['zap', '--', 'ls'], 'Error from server (NotFound): pods "zap" not found\n'],
    [
      ['shell', '-c', 'zap', '--', 'ls'],
      'Error from server (BadRequest): container zap is not valid for pod shell\n',
    ],
  ])('says of %j what is wrong', async (args, stderr) => {
    expect(await kubectl().run(['exec', ...args])).toMatchObject({ code: 1, stderr });
  });

  it('reports a missing command in the runtime’s words', async () => {
    const { code, stderr } = await kubectl().run(['exec', 'shell', '--', 'no-such-program']);
    expect(stderr).toContain('executable file not found in $PATH');
    expect(code).not.toBe(0);
  });
});
