import { PassThrough, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Behaviour, ExecAnswer, ForwardRule, LogsRule } from '../../../src/containers/behaviours.js';
import { createSandboxRuntime, type SandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import { type Clock, ManualClock } from '../../../src/core/clock.js';
import { ignoreEvents } from '../../../src/core/events.js';
import { createRandom } from '../../../src/core/random.js';
import { SpdyPortForward } from '../../../src/streams/port-forward-client.js';
import { openSpdyRemoteCommand } from '../../../src/streams/remote-command-client.js';
import { each, eventually, soon } from '../../support/waits.js';
import { openWebSocketCommand } from '../streams/support/command-client.js';
import { type Bench, clock, issueCertificates, never, startBench, type TestPki } from './bench.js';
import { ask, open, upgrade } from './http-client.js';
import { pod } from './scripted-runtime.js';

const app = { namespace: 'default', pod: 'web-0', container: 'app' };
const forPod = { name: 'web-0', namespace: 'default' };
const streams = { stdin: false, stdout: true, stderr: true, tty: false };
const query = 'output=1&error=1';
type Verb = 'exec' | 'attach';

/** What a client has received when a command is over; `end` is its exit code, or the reason why there is no exit code. */
interface Outcome {
  readonly out: Buffer;
  readonly err: string;
  readonly end: number | string;
}

let pki: TestPki;
let bench: Bench;
beforeAll(async () => {
  pki = await issueCertificates();
});
afterEach(() => bench.close());

async function start(behaviours: readonly Behaviour[], time: Clock = clock): Promise<SandboxRuntime> {
  const options = { clock: time, random: createRandom(1), emit: ignoreEvents, behaviours };
  const runtime = createSandboxRuntime({ nodeName: 'node-1', pods: [pod], ...options });
  bench = await startBench(pki, runtime);
  return runtime;
}

/** The same answer for a command and for an attach. */
function answering(answer: ExecAnswer, time?: Clock): Promise<SandboxRuntime> {
  const { exitCode: _, ...attached } = answer;
  return start(
    [
      { kind: 'Exec', metadata: forPod, spec: { execs: [{ answer }] } },
      { kind: 'Attach', metadata: forPod, spec: { attaches: [{ answer: attached }] } },
    ],
    time,
  );
}

const pathOf = (verb: Verb): string =>
  `/${verb}/default/web-0/app?${verb === 'exec' ? 'command=x&' : ''}${query}`;

async function overGrpc(verb: Verb): Promise<Outcome> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const [out, err] = [stdout, stderr].map((stream) => collected(stream));
  const own = { stdout, stderr, signal: never };
  const call =
    verb === 'exec'
      ? bench.client.exec({ ...app, command: ['x'], tty: false }, own)
      : bench.client.attach(app, own);
  const end = await call.then(
    (result) => (result.kind === 'exit' ? result.code : result.message),
    (error) => error.code as string,
  );
  stdout.end();
  stderr.end();
  return { out: (await out) ?? Buffer.alloc(0), err: String(await err), end };
}

/** Everything that was received, also from a stream that broke. */
function collected(stream: NodeJS.ReadableStream | undefined): Promise<Buffer> {
  const parts: Buffer[] = [];
  stream?.on('data', (part: Buffer) => parts.push(part));
  return soon((resolve) => {
    const done = (): void => resolve(Buffer.concat(parts));
    stream?.on('error', done);
    stream?.once('end', done);
    stream?.once('close', done);
  }, 'end of the command');
}

async function overSpdy(verb: Verb): Promise<Outcome> {
  const protocol = 'v4.channel.k8s.io';
  const answer = await upgrade(bench.kubelet, pki.client, pathOf(verb), protocol);
  if (answer.kind === 'refused') throw new Error(answer.body.toString());
  const run = await openSpdyRemoteCommand({ ...answer, protocol, streams, clock });
  const [out, err] = [collected(run.stdout), collected(run.stderr)];
  const ended = await run.ended;
  const outcome = { out: await out, err: String(await err) };
  await run.close();
  if (ended.kind === 'cut') return { ...outcome, end: 'cut' };
  const { result } = ended;
  return { ...outcome, end: result.kind === 'exit' ? result.code : result.message };
}

async function overWebSocket(verb: Verb): Promise<Outcome> {
  const { host, port } = bench.kubelet.address;
  const url = `wss://${host}:${port}${pathOf(verb)}`;
  const end = await (await openWebSocketCommand(url, ['v5.channel.k8s.io'], { ...pki.client })).ended;
  const outcome = { out: end.bytes(1), err: end.text(2) };
  if (end.code !== 1000) return { ...outcome, end: 'cut' };
  const status = JSON.parse(end.text(3));
  const code = Number(
    status.details?.causes?.find(({ reason }: { reason?: string }) => reason === 'ExitCode')?.message ?? 0,
  );
  return { ...outcome, end: status.reason === 'InternalError' ? status.message : code };
}

const wires = [
  ['gRPC', overGrpc],
  ['SPDY', overSpdy],
  ['WebSocket', overWebSocket],
] as const;
const both = wires.flatMap(([wire, run]) =>
  (['exec', 'attach'] as const).map((verb) => [verb, wire, () => run(verb)] as const),
);
const failureOf = (verb: Verb, wire: string, text: string): string => {
  const what = verb === 'exec' ? 'error executing command in container' : 'error attaching to container';
  return wire === 'gRPC' ? text : `Internal error occurred: ${what}: ${text}`;
};

describe.each(both)('a scripted answer to an %s over %s', (verb, wire, run) => {
  it('has output, error output and an end', async () => {
    await answering({ stdout: 'out\n', stderr: 'err\n', exitCode: 42 });
    const { out, err, end } = await run();
    expect([out.toString(), err, end]).toEqual(['out\n', 'err\n', verb === 'exec' ? 42 : 0]);
  });

  it('has as many generated bytes as configured, all correct', async () => {
    const bytes = 3_000_000;
    await answering({ stdout: 'head', bytes });
    const { out } = await run();
    expect(out.subarray(0, 4).toString()).toBe('head');
    const expected = Buffer.from(Uint8Array.from({ length: bytes }, (_, index) => index & 0xff));
    expect(out.subarray(4).equals(expected)).toBe(true);
  });

  it('keeps its delay and its rate, in the time of the lab', async () => {
    const time = new ManualClock();
    await answering({ delayMs: 5000, bytes: 1000, bytesPerSecond: 500 }, time);
    let outcome: Outcome | undefined;
    void run().then((over) => {
      outcome = over;
    });
    await eventually(() => expect(time.pendingTimers).toBe(1));
    while (outcome === undefined) {
      if (time.pendingTimers > 0) time.advance(10);
      await turn();
    }
    expect(outcome.out).toHaveLength(1000);
    expect(time.now()).toBeGreaterThanOrEqual(7000);
    expect(time.now()).toBeLessThan(7500);
  });

  it('fails with a text', async () => {
    await answering({ error: 'scripted: no' });
    expect((await run()).end).toBe(failureOf(verb, wire, 'scripted: no'));
  });

  it('breaks the connection after the configured number of bytes', async () => {
    await answering({ bytes: 1e9, disconnectAfterBytes: 100_000 });
    const { out, end } = await run();
    expect(end).toBe(wire === 'gRPC' ? 'TUNNEL_CLOSED' : 'cut');
    expect(out.length).toBeLessThanOrEqual(100_000);
    if (wire !== 'gRPC') expect(out).toHaveLength(100_000);
  });
});

describe('a scripted answer of a terabyte', () => {
  /** Bytes that the command has written so far. */
  async function startCounting(): Promise<() => number> {
    const runtime = await answering({ bytes: 1e12 });
    let written = 0;
    const exec = runtime.exec.bind(runtime);
    runtime.exec = (request, own) => {
      const { stdout } = own;
      const write = stdout?.write.bind(stdout) as ((...args: unknown[]) => boolean) | undefined;
      if (stdout !== undefined && write !== undefined) {
        stdout.write = ((chunk: Buffer, ...rest: unknown[]) => {
          written += chunk.length;
          return write(chunk, ...rest);
        }) as typeof stdout.write;
      }
      return exec(request, own);
    };
    return () => written;
  }

  /** Waits until the command stops writing because its client does not read. */
  async function stalled(written: () => number): Promise<number> {
    let before = -1;
    await expect
      .poll(
        () => {
          const isStill = written() > 0 && written() === before;
          before = written();
          return isStill;
        },
        { interval: 100 },
      )
      .toBe(true);
    return written();
  }

  it('waits for a client that does not read, over gRPC', async () => {
    const written = await startCounting();
    const gone = new AbortController();
    const stdout = new Writable({ write: () => undefined, highWaterMark: 1024 });
    const call = bench.client.exec({ ...app, command: ['x'], tty: false }, { stdout, signal: gone.signal });
    void call.catch(() => undefined);
    expect(await stalled(written)).toBeLessThan(32 * 1024 * 1024);
    gone.abort();
    await expect.poll(() => bench.kubelet.openRequests).toBe(0);
  });

  it('waits for a client that does not read, over SPDY', async () => {
    const written = await startCounting();
    const protocol = 'v4.channel.k8s.io';
    const answer = await upgrade(bench.kubelet, pki.client, pathOf('exec'), protocol);
    if (answer.kind === 'refused') throw new Error('refused');
    const run = await openSpdyRemoteCommand({ ...answer, protocol, streams, clock });
    expect(await stalled(written)).toBeLessThan(32 * 1024 * 1024);
    run.destroy();
    await expect.poll(() => bench.kubelet.openRequests).toBe(0);
  });

  it('waits for a client that does not read, over WebSocket', async () => {
    const written = await startCounting();
    const { host, port } = bench.kubelet.address;
    const url = `wss://${host}:${port}${pathOf('exec')}`;
    const { ws } = await openWebSocketCommand(url, ['v5.channel.k8s.io'], { ...pki.client });
    ws.pause();
    expect(await stalled(written)).toBeLessThan(32 * 1024 * 1024);
    ws.terminate();
    await expect.poll(() => bench.kubelet.openRequests).toBe(0);
  });
});

describe('scripted logs', () => {
  const logs = (rule: LogsRule): Promise<SandboxRuntime> =>
    start([{ kind: 'Logs', metadata: forPod, spec: { logs: [rule] } }]);
  const path = '/containerLogs/default/web-0/app';
  const request = { ...app, follow: false, previous: false, timestamps: false };
  const grpcLogs = async (options = {}): Promise<string> => {
    let text = '';
    for await (const chunk of each(bench.client.logs({ ...request, ...options }), 'part of the log'))
      text += Buffer.from(chunk).toString();
    return text;
  };

  it('have content, for the present and the previous run', async () => {
    await logs({ content: 'a\nb\n', previousContent: 'old\n' });
    expect((await ask(bench.kubelet, pki.client, `${path}?tailLines=1`)).text).toBe('b\n');
    expect((await ask(bench.kubelet, pki.client, `${path}?previous=true`)).text).toBe('old\n');
    expect([await grpcLogs(), await grpcLogs({ previous: true })]).toEqual(['a\nb\n', 'old\n']);
  });

  it('fail with a text', async () => {
    await logs({ error: 'scripted: no log' });
    expect(await ask(bench.kubelet, pki.client, path)).toMatchObject({
      status: 400,
      text: 'scripted: no log',
    });
    await expect(grpcLogs()).rejects.toMatchObject({ code: 'LOGS_UNAVAILABLE', message: 'scripted: no log' });
  });

  it('break the connection after the configured number of bytes, and only if there is more', async () => {
    await logs({ content: 'x'.repeat(1000), previousContent: 'whole', disconnectAfterBytes: 300 });
    const response = await open(bench.kubelet, pki.client, path);
    const read = buffer(response);
    await expect(read).rejects.toThrow('aborted');
    let seen = 0;
    const again = await open(bench.kubelet, pki.client, path);
    again.on('data', (chunk: Buffer) => {
      seen += chunk.length;
    });
    await soon((resolve) => again.once('error', resolve), 'error of the stream');
    expect(seen).toBe(300);
    await expect(grpcLogs()).rejects.toMatchObject({ code: 'TUNNEL_CLOSED' });
    expect((await ask(bench.kubelet, pki.client, `${path}?previous=true`)).text).toBe('whole');
  });
});

describe('scripted port-forwards', () => {
  const forwards = (...rules: ForwardRule[]): Promise<SandboxRuntime> =>
    start([{ kind: 'PortForward', metadata: forPod, spec: { forwards: rules } }]);
  const place = { namespace: 'default', pod: 'web-0' };

  async function spdyForward(): Promise<SpdyPortForward> {
    const answer = await upgrade(
      bench.kubelet,
      pki.client,
      '/portForward/default/web-0',
      'portforward.k8s.io',
    );
    if (answer.kind === 'refused') throw new Error('refused');
    return new SpdyPortForward({ ...answer, clock });
  }

  it('are answered by a command, port by port', async () => {
    await forwards({ ports: [80], command: ['cat'] }, { error: 'scripted: closed' });
    const data = await bench.client.portForward({ ...place, port: 80 });
    data.end('over gRPC');
    expect((await buffer(data)).toString()).toBe('over gRPC');
    const forward = await spdyForward();
    const connection = await forward.open(80);
    connection.data.end('over SPDY');
    expect((await buffer(connection.data)).toString()).toBe('over SPDY');
    const refused = await forward.open(81);
    refused.data.on('error', () => undefined);
    expect(await refused.failure).toBe('error forwarding port 81 to pod u-1, uid : scripted: closed');
    await forward.close();
    await expect(bench.client.portForward({ ...place, port: 81 })).rejects.toMatchObject({
      code: 'PORT_CLOSED',
      message: 'scripted: closed',
    });
  });

  it('break after the configured number of bytes, and only if there is more', async () => {
    await forwards({ command: ['cat'], disconnectAfterBytes: 5 });
    const whole = await bench.client.portForward({ ...place, port: 80 });
    whole.end('12345');
    expect((await buffer(whole)).toString()).toBe('12345');
    const broken = await bench.client.portForward({ ...place, port: 80 });
    const seen = collected(broken);
    broken.end('1234567');
    expect((await seen).toString()).toBe('12345');
    const forward = await spdyForward();
    const { data, failure } = await forward.open(80);
    const sent = collected(data);
    data.write('1234567');
    expect((await sent).toString()).toBe('12345');
    expect(await failure).toBe(
      'error forwarding port 80 to pod u-1, uid : scripted disconnect after 5 bytes',
    );
    await forward.close();
  });
});
