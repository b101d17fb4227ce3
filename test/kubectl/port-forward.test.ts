import { createHash, randomBytes } from 'node:crypto';
import { type AddressInfo, connect, createServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, expect, it } from 'vitest';
import { describeEachKubectl, type KubectlProcess } from '../support/kubectl.js';
import { soon } from '../support/waits.js';
import {
  killAgent,
  preferredProtocol,
  requestOver,
  requestsSince,
  useCluster,
  useKubectl,
} from './cluster.js';

/** Sends without end until the connection is closed. */
const downloads = createServer({ allowHalfOpen: true }, (socket) => {
  const send = (): void => {
    while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
  };
  socket.on('error', () => undefined);
  socket.on('drain', send);
  send();
});
await soon<void>((resolve) => downloads.listen(0, '127.0.0.1', resolve), 'listening server');
afterAll(() => void downloads.close());

/** Resets each connection at its first byte. */
const resetting = createServer((socket) => {
  socket.on('error', () => undefined);
  socket.once('data', () => socket.resetAndDestroy());
});
await soon<void>((resolve) => resetting.listen(0, '127.0.0.1', resolve), 'listening server');
afterAll(() => void resetting.close());

const cluster = useCluster({
  behaviours: [
    {
      kind: 'PortForward',
      metadata: { name: 'shell', namespace: 'default' },
      spec: {
        forwards: [
          {
            ports: [9],
            target: { address: '127.0.0.1', port: (downloads.address() as AddressInfo).port },
          },
          {
            ports: [10],
            target: { address: '127.0.0.1', port: (resetting.address() as AddressInfo).port },
          },
        ],
      },
    },
  ],
});
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Sends, half-closes when the same number of bytes has come back, and collects everything until the other side ends. */
function exchange(port: number, bytes: Uint8Array): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let received = 0;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    // A busy machine may need longer than the second that the other direction has after the half-close.
    if (received >= bytes.length) socket.end();
  });
  socket.write(bytes);
  return buffer(socket);
}

function connectionCount(): Promise<number> {
  return soon(
    (resolve, reject) => downloads.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    'count of connections',
  );
}

/** Reads a little from an endless port, then leaves. */
function cancelledDownload(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.once('data', () => socket.destroy());
  return soon((resolve) => socket.once('close', () => resolve()), 'end of the download');
}

describeEachKubectl('port-forward', (binary) => {
  const kubectl = useKubectl(binary, cluster);

  async function forward(
    target: string,
    remotePort: number,
  ): Promise<{ process: KubectlProcess; port: number }> {
    const process = kubectl().start(['port-forward', target, `:${remotePort}`]);
    const [, port] = await process.waitFor(/^Forwarding from 127\.0\.0\.1:(\d+) -> /m);
    return { process, port: Number(port) };
  }

  it.each([
    ['a pod', 'web-1', 8080],
    ['a service', 'svc/web', 80],
    ['a deployment', 'deploy/web', 8080],
  ])('reaches the port of %s', async (_what, target, remotePort) => {
    const { port } = await forward(target, remotePort);
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toMatch(/^pod: web-[12]$/m);
  });

  it.each([
    ['a pod', 'echo'],
    ['a service', 'svc/echo'],
  ])('carries 1 MiB each way through %s, every byte right', async (_what, target) => {
    const { port } = await forward(target, 7);
    const bytes = randomBytes(1024 * 1024);
    expect(sha256(await exchange(port, bytes))).toBe(sha256(bytes));
  });

  it('carries many connections at once with the protocol that it prefers', async () => {
    const { lab, openStreams } = cluster();
    const mark = lab.mark();
    const { port, process } = await forward('echo', 7);
    const texts = ['a', 'b'.repeat(100_000), 'c'.repeat(10)].map((text) => Buffer.from(text));
    const echoes = await Promise.all(texts.map((text) => exchange(port, text)));
    expect(echoes.map(String)).toEqual(texts.map(String));
    expect(openStreams().portforward).toBe(1);
    await process.stop();
    const over = await requestOver(lab, mark, 'portforward');
    expect(requestsSince(lab, mark).filter(({ verb }) => verb === 'portforward')).toMatchObject([
      { kind: 'request.started', protocol: preferredProtocol(binary, 'portforward') },
      { kind: 'request.finished', status: 101 },
    ]);
    expect(over.request).toMatch(/^main-\d+$/);
  });

  it('closes the pod’s side of cancelled downloads, and continues', async () => {
    const { port } = await forward('shell', 9);
    await Promise.all(Array.from({ length: 5 }, () => cancelledDownload(port)));
    await expect.poll(connectionCount).toBe(0);
    // kubectl up to 1.31 reads no other connection any more once one was cancelled while bytes came.
    if (binary.minor >= 32) await cancelledDownload(port);
  });

  it('reports a closed port', async () => {
    const { process, port } = await forward('web-1', 81);
    await exchange(port, Buffer.from('anybody?')).catch(() => undefined);
    const { code, stderr } = await process.result;
    expect(code).toBe(1);
    expect(stderr).toMatch(/an error occurred forwarding \d+ -> 81: error forwarding port 81 to pod /);
    expect(stderr).toMatch(/connect: connection refused/);
    expect(stderr).toMatch(/^error: lost connection to pod$/m);
  });

  it('reports a port that resets the connection', async () => {
    const { process, port } = await forward('shell', 10);
    await exchange(port, Buffer.from('anybody?')).catch(() => undefined);
    const { code, stderr } = await process.result;
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /an error occurred forwarding \d+ -> 10: error forwarding port 10 to pod \S+, uid : failed to execute portforward in network namespace \S+: read tcp4 127\.0\.0\.1:\d+->127\.0\.0\.1:\d+: read: connection reset by peer/,
    );
    expect(stderr).toMatch(/^error: lost connection to pod$/m);
  });

  it('says so when the agent of the node is gone, and works when it is back', async () => {
    const startAgain = await killAgent(cluster(), 'node-1');
    expect(await kubectl().run(['port-forward', 'echo', ':7'])).toMatchObject({
      code: 1,
      stderr: 'error: error upgrading connection: error dialing backend: No agent available\n',
    });
    await startAgain();
    const { port } = await forward('echo', 7);
    expect(String(await exchange(port, Buffer.from('back')))).toBe('back');
  });

  it('ends when its connection is cut', async () => {
    const { process } = await forward('echo', 7);
    const startAgain = await killAgent(cluster(), 'node-1');
    expect(await process.result).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('lost connection to pod'),
    });
    await startAgain();
  });

  it.each([
    [['zap', '8080'], 'Error from server (NotFound): pods "zap" not found\n'],
    [['svc/web', '81'], 'error: Service web does not have a service port 81\n'],
  ])('of what is not there: %j', async (args, stderr) => {
    expect(await kubectl().run(['port-forward', ...args])).toMatchObject({ code: 1, stderr });
  });
});
