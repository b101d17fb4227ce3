import { createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SpdyPortForward } from '../../../src/streams/port-forward-client.js';
import { openSpdyRemoteCommand, type SpdyRemoteCommand } from '../../../src/streams/remote-command-client.js';
import type { RemoteCommandOptions } from '../../../src/streams/types.js';
import { eventually, once } from '../../support/waits.js';
import { type Bench, clock, issueCertificates, startBench, type TestPki } from './bench.js';
import { closed, connectTls, upgrade } from './http-client.js';
import { ScriptedRuntime } from './scripted-runtime.js';

const terminalWithStderr = 'rpc error: code = InvalidArgument desc = tty and stderr cannot both be true';
const output: RemoteCommandOptions = { stdin: false, stdout: true, stderr: false, tty: false };

describe('upgrades of the HTTP API', () => {
  let pki: TestPki;
  let echo: Server;
  let runtime: ScriptedRuntime;
  let bench: Bench;

  beforeAll(async () => {
    pki = await issueCertificates();
    echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(echo, 'listening');
  });
  afterAll(() => void echo.close());
  beforeEach(async () => {
    runtime = new ScriptedRuntime();
    const address = echo.address();
    runtime.targetPort = typeof address === 'object' && address !== null ? address.port : 0;
    bench = await startBench(pki, runtime);
  });
  afterEach(() => bench.close());

  async function command(path: string, streams: RemoteCommandOptions): Promise<SpdyRemoteCommand> {
    const protocol = 'v4.channel.k8s.io';
    const answer = await upgrade(bench.kubelet, pki.client, path, protocol);
    if (answer.kind === 'refused') throw new Error(answer.body.toString());
    return openSpdyRemoteCommand({ ...answer, protocol, streams, clock });
  }

  it('runs an exec over SPDY and reports protocol and exit code', async () => {
    const path = '/exec/default/web-0/app';
    const run = await command(`${path}?command=exit&command=7&output=1`, output);
    expect(await run.ended).toEqual({ kind: 'status', result: { kind: 'exit', code: 7 } });
    await run.close();
    expect(bench.events.at(-1)).toMatchObject({
      ...{ kind: 'request.finished', verb: 'exec', path, protocol: 'spdy', status: 101, exitCode: 7 },
    });
  });

  it('takes the terminal of an attach from the container, not from the query', async () => {
    const path = '/attach/default/web-0/shell?input=1&output=1';
    const run = await command(path, { stdin: true, stdout: true, stderr: false, tty: true });
    run.stdin?.end('typed');
    expect(run.stdout && (await text(run.stdout))).toBe('attached: typed');
    await run.close();
  });

  it.each([
    ['a container with a terminal', 'web-0/shell?input=1&output=1&error=1', 500, terminalWithStderr],
    ['one of the same without standard input', 'web-0/shell?output=1&error=1', 500, terminalWithStderr],
    ['a client that asks for a terminal', 'web-0/shell?output=1&error=1&tty=1', 101, ''],
    ['a container without a terminal', 'web-0/app?output=1&error=1&tty=1', 101, ''],
    ['a pod that does not exist', 'nope/shell?output=1&error=1', 404, 'pod does not exist'],
  ])('does not give error output beside a terminal: %s', async (_, target, status, body) => {
    const protocol = 'v4.channel.k8s.io';
    const answer = await upgrade(bench.kubelet, pki.client, `/attach/default/${target}`, protocol);
    if (answer.kind === 'upgraded') answer.socket.destroy();
    else expect([answer.status, answer.body.toString()]).toEqual([status, body]);
    expect(answer.kind).toBe(status === 101 ? 'upgraded' : 'refused');
  });

  it('names the operation in the status of a command that could not be run', async () => {
    const run = await command('/exec/default/web-0/app?command=broken&output=1', output);
    expect(await run.ended).toMatchObject({
      result: {
        kind: 'error',
        message: 'Internal error occurred: error executing command in container: the shim is gone',
      },
    });
    await run.close();
    expect(bench.events.at(-1)).toMatchObject({ kind: 'request.failed', error: 'the shim is gone' });
  });

  it('ends the input of a command when its client leaves, and reports in the journal that it goes on and how it ends', async () => {
    const run = await command('/exec/default/web-0/app?command=hang&output=1', output);
    await runtime.hasStarted;
    run.destroy();
    await runtime.hasAborted;
    await eventually(() => expect(bench.kubelet.openRequests).toBe(0));
    const ended = expect.objectContaining({ kind: 'command.ended', error: 'killed' });
    await eventually(() => expect(bench.events).toContainEqual(ended));
    expect(bench.events).toContainEqual(expect.objectContaining({ kind: 'command.left', verb: 'exec' }));
    expect(bench.events).toContainEqual(
      expect.objectContaining({ kind: 'request.failed', error: 'the client is gone' }),
    );
  });

  it('ends the request of a client that leaves before it opened its streams', async () => {
    const answer = await upgrade(
      bench.kubelet,
      pki.client,
      '/exec/default/web-0/app?command=echo&output=1',
      'v4.channel.k8s.io',
    );
    if (answer.kind === 'refused') throw new Error('refused');
    expect(bench.kubelet.openRequests).toBe(1);
    answer.socket.destroy();
    await eventually(() => expect(bench.kubelet.openRequests).toBe(0));
  });

  it('forwards a port, half-close included', async () => {
    const answer = await upgrade(
      bench.kubelet,
      pki.client,
      '/portForward/default/web-0',
      'portforward.k8s.io',
    );
    if (answer.kind === 'refused') throw new Error('refused');
    const forward = new SpdyPortForward({ ...answer, clock });
    const { data, failure } = await forward.open(8080);
    data.end('ping');
    expect(await text(data)).toBe('ping');
    expect(await failure).toBeUndefined();
    await forward.close();
    await eventually(() =>
      expect(bench.events.at(-1)).toMatchObject({
        kind: 'request.finished',
        verb: 'portforward',
        protocol: 'spdy',
      }),
    );
  });

  it('words a closed port as the kubelet does', async () => {
    const answer = await upgrade(
      bench.kubelet,
      pki.client,
      '/portForward/default/web-0',
      'portforward.k8s.io',
    );
    if (answer.kind === 'refused') throw new Error('refused');
    const forward = new SpdyPortForward({ ...answer, clock });
    const { failure } = await forward.open(81);
    const message = 'error forwarding port 81 to pod u-1, uid : dial tcp 127.0.0.1:81: connection refused';
    expect(await failure).toBe(message);
    await forward.close();
    await eventually(() =>
      expect(bench.events.at(-1)).toMatchObject({ kind: 'request.failed', error: message }),
    );
  });

  it('refuses before it upgrades, with the texts of plain requests', async () => {
    const cases = [
      [pki.client, '/exec/default/gone/app?command=ls&output=1', 404, 'pod does not exist'],
      [pki.client, '/exec/default/web-0/nope?command=ls&output=1', 500, 'container not found ("nope")'],
      [
        pki.client,
        '/exec/default/web-0/app?command=ls',
        400,
        'you must specify at least 1 of stdin, stdout, stderr',
      ],
      [{ ca: pki.client.ca }, '/exec/default/web-0/app?command=ls&output=1', 401, 'Unauthorized'],
    ] as const;
    for (const [identity, path, status, body] of cases) {
      const answer = await upgrade(bench.kubelet, identity, path, 'v4.channel.k8s.io');
      expect(answer).toMatchObject({ kind: 'refused', status });
      expect(answer.kind === 'refused' && answer.body.toString()).toBe(body);
    }
    await eventually(() =>
      expect([bench.kubelet.openRequests, bench.kubelet.openConnections]).toEqual([0, 0]),
    );
  });

  it('answers an upgrade request on a plain path as a plain request', async () => {
    const socket = await connectTls(bench.kubelet, pki.client);
    socket.write('GET /healthz HTTP/1.1\r\nHost: k\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toMatch(/\r\n\r\nok$/);
    await closed(socket);
  });

  it('cuts running streams when it closes', async () => {
    const run = await command('/exec/default/web-0/app?command=hang&output=1', output);
    await runtime.hasStarted;
    await bench.kubelet.close();
    expect(await run.ended).toMatchObject({ kind: 'cut' });
    await runtime.hasAborted;
    expect([bench.kubelet.openRequests, bench.kubelet.openConnections]).toEqual([0, 0]);
  });
});
