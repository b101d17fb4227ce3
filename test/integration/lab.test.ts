import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { PassThrough, Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, startLab, TunnelError } from '../../src/index.js';
import { each } from '../support/waits.js';

const idle = {
  frontends: 0,
  pendingDials: 0,
  established: 0,
  endpoints: 0,
  kubeletRequests: 0,
  tunnelConnections: 0,
};

/** Every request is over, and nothing of it is left anywhere. */
async function atRest(lab: Lab): Promise<void> {
  await lab.settled();
  expect(lab.open()).toEqual(idle);
  await lab.checkInvariants();
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function failure(promise: Promise<unknown>): Promise<TunnelError> {
  const error: unknown = await promise.then(
    () => new Error('it succeeded'),
    (caught: unknown) => caught,
  );
  if (error instanceof TunnelError) return error;
  throw error;
}

/** 1 MiB of lines. */
const logText = Array.from({ length: 16_384 }, () => `${randomBytes(31).toString('hex')}x\n`).join('');
const longLog = { kind: 'Logs', metadata: { name: 'pair', namespace: 'default' } } as const;

describe('a lab', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await startLab({
      // A hundred TLS handshakes at once, in one process of a busy machine, may take longer than ten seconds.
      timeScale: 0.2,
      behaviours: [{ ...longLog, spec: { logs: [{ containers: ['sidecar'], content: logText }] } }],
    });
    process.stderr.write(`seed ${lab.seed}\n`);
  });
  afterAll(() => lab.stop());

  it('runs a command and returns stdout, stderr and the exit code', async () => {
    const outcome = await lab.exec('web-1', ['sh', '-c', 'hostname; echo oops >&2; exit 42']);
    expect(outcome).toMatchObject({ exitCode: 42, stdout: 'web-1\n', stderr: 'oops\n' });
  });

  it('passes stdin and its end on', async () => {
    expect(await lab.exec('web-2', ['cat'], { stdin: 'to and fro' })).toMatchObject({ stdout: 'to and fro' });
  });

  it('pipes 20 MiB each way with every byte right', async () => {
    const bytes = randomBytes(20 * 1024 * 1024);
    const hash = createHash('sha256');
    const stdout = new Writable({
      write(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done();
      },
    });
    const streams = { stdin: Readable.from([bytes]), stdout, signal: new AbortController().signal };
    const result = await lab.cluster.exec('shell', ['cat'], streams);
    expect(result).toEqual({ kind: 'exit', code: 0 });
    expect(hash.digest('hex')).toBe(sha256(bytes));
  });

  it('follows a log until it is told to stop', async () => {
    const controller = new AbortController();
    const seen: string[] = [];
    for await (const chunk of each(
      lab.logs('counter', { follow: true, signal: controller.signal }),
      'line of the log',
    )) {
      seen.push(Buffer.from(chunk).toString());
      if (seen.length === 2) break;
    }
    expect(seen.join('')).toMatch(/^(\d+): .+tick\n\d+: .+tick\n/);
    await atRest(lab);
  });

  it('carries a local port to the port of a pod', async () => {
    const forward = await lab.portForward('web-1', 8080);
    const answer = await fetch(`http://127.0.0.1:${forward.port}/path`, { headers: { connection: 'close' } });
    expect(await answer.text()).toContain('pod: web-1');
    await forward.close();
    await atRest(lab);
  });

  it('reaches a node address that exists only behind the agent', async () => {
    const [node] = lab.nodes;
    if (node === undefined) throw new Error('no node');
    const stream = await lab.dial(node.ip, node.kubeletPort);
    stream.destroy();
    expect(await failure(lab.dial('10.0.1.99', 10_250))).toMatchObject({
      code: 'DIAL_FAILED',
      message: 'dial tcp 10.0.1.99:10250: connect: no route to host',
    });
    await atRest(lab);
  });

  it('serves 25 execs, 25 log streams and 5 port-forwards of 1 MiB each at once, every byte right', async () => {
    const payloads = Array.from({ length: 30 }, () => randomBytes(1024 * 1024));
    const size = 1024 * 1024;
    const execs = payloads.slice(0, 25).map(async (bytes) => {
      const stdout = new PassThrough();
      const streams = { stdin: Readable.from([bytes]), stdout, signal: new AbortController().signal };
      const [result, got] = await Promise.all([
        lab.cluster.exec('web-1', ['cat'], streams).finally(() => stdout.end()),
        buffer(stdout),
      ]);
      expect(result).toEqual({ kind: 'exit', code: 0 });
      expect(sha256(got)).toBe(sha256(bytes));
    });
    const logs = Array.from({ length: 25 }, async () => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of each(lab.logs('pair', { container: 'sidecar' }), 'line of the log'))
        chunks.push(chunk);
      expect(sha256(Buffer.concat(chunks))).toBe(sha256(Buffer.from(logText)));
    });
    const forward = await lab.portForward('echo', 7);
    const echoes = payloads.slice(25).map(async (bytes) => {
      const socket = connect({ port: forward.port, host: '127.0.0.1', allowHalfOpen: true });
      socket.end(bytes);
      const got = await buffer(socket);
      expect(got.length).toBe(size);
      expect(sha256(got)).toBe(sha256(bytes));
    });
    await Promise.all([...execs, ...logs, ...echoes]);
    await forward.close();
    await atRest(lab);
  });

  it('says what is wrong with a request in one line, and lives on', async () => {
    expect(await failure(lab.exec('nobody', ['true']))).toMatchObject({
      code: 'POD_NOT_FOUND',
      message: 'pods "nobody" not found in namespace "default"',
    });
    expect(await failure(lab.exec('pair', ['true'], { container: 'third' }))).toMatchObject({
      code: 'CONTAINER_NOT_FOUND',
      message: 'container third is not valid for pod pair, choose one of: [main sidecar]',
    });
    expect(await failure(lab.exec('web-1', ['no-such-program']))).toMatchObject({
      message: expect.stringContaining('executable file not found in $PATH'),
    });
    expect((await lab.exec('web-1', ['true'])).exitCode).toBe(0);
  });

  it('tells the client of a refused port in the pod', async () => {
    const errors: TunnelError[] = [];
    const forward = await lab.portForward('web-1', 81, { onError: (error) => errors.push(error) });
    const socket = connect(forward.port, '127.0.0.1');
    await buffer(socket).catch(() => undefined);
    await forward.close();
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({
      code: 'PORT_CLOSED',
      message: expect.stringContaining('connection refused'),
    });
  });
});
