import { PassThrough, Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TunnelError } from '../../../src/core/errors.js';
import type { RemoteCommandStreams } from '../../../src/streams/types.js';
import { eventually } from '../../support/waits.js';
import { type Bench, issueCertificates, never, startBench, type TestPki, TextSink } from './bench.js';
import { ScriptedRuntime } from './scripted-runtime.js';

const app = { namespace: 'default', pod: 'web-0', container: 'app' };

describe('exec and attach over gRPC', () => {
  let pki: TestPki;
  let runtime: ScriptedRuntime;
  let bench: Bench;

  beforeAll(async () => {
    pki = await issueCertificates();
  });
  beforeEach(async () => {
    runtime = new ScriptedRuntime();
    bench = await startBench(pki, runtime);
  });
  afterEach(() => bench.close());

  const exec = (command: readonly string[], streams: Partial<RemoteCommandStreams>, tty = false) =>
    bench.client.exec({ ...app, command, tty }, { signal: never, ...streams });

  it('delivers stdout and stderr apart, then the exit code', async () => {
    const stdout = new TextSink();
    const stderr = new TextSink();
    expect(await exec(['echo', 'hello', 'wörld'], { stdout, stderr })).toEqual({ kind: 'exit', code: 0 });
    expect([stdout.text, stderr.text]).toEqual(['hello wörld\n', 'noted\n']);
    expect(stdout.writableEnded).toBe(false);
    expect(await exec(['exit', '137'], { stdout })).toEqual({ kind: 'exit', code: 137 });
  });

  it('gives the command only the streams that were asked for, and no stderr with a terminal', async () => {
    const plain = new TextSink();
    await exec(['streams'], { stdout: plain });
    const terminal = new TextSink();
    await exec(['streams'], { stdout: terminal, stderr: new TextSink(), stdin: Readable.from([]) }, true);
    expect([plain.text, terminal.text]).toEqual(['stdout', 'stdin,stdout,resize']);
  });

  it('carries megabytes through stdin and stdout unchanged', async () => {
    const sent = Buffer.alloc(6_000_000, 0).map((_, index) => (index * 31 + (index >> 8)) & 255);
    const chunks: Buffer[] = [];
    const stdout = new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk);
        setImmediate(done);
      },
    });
    const result = await exec(['cat'], { stdin: Readable.from([Buffer.from(sent)]), stdout });
    expect(result).toEqual({ kind: 'exit', code: 0 });
    stdout.end();
    await eventually(() => expect(stdout.writableFinished).toBe(true));
    expect(Buffer.concat(chunks).equals(sent)).toBe(true);
  });

  it('pauses the command while the client does not read', async () => {
    const total = 64 * 1024 * 1024;
    const waiting: (() => void)[] = [];
    let received = 0;
    const stdout = new Writable({
      write(chunk: Buffer, _encoding, done) {
        received += chunk.length;
        waiting.push(done);
      },
    });
    const done = exec(['flood', String(total)], { stdout });
    await eventually(() => expect(waiting.length).toBe(1));
    let seen = -1;
    await eventually(
      () => {
        const stalled = runtime.flooded === seen;
        seen = runtime.flooded;
        expect(stalled).toBe(true);
      },
      { intervalMs: 150 },
    );
    expect(seen).toBeLessThan(total / 2);
    const drain = setInterval(() => waiting.splice(0).forEach((next) => next()), 0);
    expect(await done).toEqual({ kind: 'exit', code: 0 });
    clearInterval(drain);
    waiting.splice(0).forEach((next) => next());
    await eventually(() => {
      waiting.splice(0).forEach((next) => next());
      expect(received).toBe(total);
    });
  });

  it('serves other commands while the reader of one does not read', async () => {
    const stuck = new Writable({ write: () => undefined });
    const controller = new AbortController();
    const stalled = exec(['flood', String(64 * 1024 * 1024)], { stdout: stuck, signal: controller.signal });
    await eventually(() => expect(runtime.flooded).toBeGreaterThan(1024 * 1024));
    const stdout = new TextSink();
    await exec(['flood', String(8 * 1024 * 1024)], { stdout });
    expect(stdout.text).toHaveLength(8 * 1024 * 1024);
    controller.abort();
    await expect(stalled).rejects.toMatchObject({ code: 'DIAL_CANCELLED' });
  });

  it('stops reading stdin when the command does not read it', async () => {
    const total = 64 * 1024 * 1024;
    let produced = 0;
    const chunk = Buffer.alloc(256 * 1024);
    const stdin = new Readable({
      read() {
        if (produced >= total) return void this.push(null);
        produced += chunk.length;
        this.push(chunk);
      },
    });
    const stdout = new TextSink();
    const done = exec(['deaf'], { stdin, stdout });
    await runtime.hasStarted;
    let seen = -1;
    await eventually(
      () => {
        const stalled = produced === seen;
        seen = produced;
        expect(stalled).toBe(true);
      },
      { intervalMs: 150 },
    );
    expect(seen).toBeLessThan(total / 2);
    runtime.release();
    await done;
    expect(stdout.text).toBe(String(total));
  });

  it('delivers terminal sizes in order', async () => {
    async function* resizes() {
      yield { width: 80, height: 24 };
      yield { width: 132, height: 43 };
    }
    const stdout = new TextSink();
    await exec(['sizes', '2'], { stdout, resize: resizes() }, true);
    expect(stdout.text).toBe('80x24 132x43 ');
  });

  it('attaches with the terminal of the container and refuses a command', async () => {
    const stdout = new TextSink();
    const streams = { stdin: Readable.from(['hi']), stdout, signal: never };
    expect(await bench.client.attach({ ...app, container: 'shell' }, streams)).toEqual({
      kind: 'exit',
      code: 0,
    });
    expect(stdout.text).toBe('attached: hi');
    const apart = { stdout: new TextSink(), stderr: new TextSink(), signal: never };
    await expect(bench.client.attach({ ...app, container: 'shell' }, apart)).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: 'rpc error: code = InvalidArgument desc = tty and stderr cannot both be true',
    });
  });

  it('resolves with an error result when the command could not be run to its end', async () => {
    const result = await exec(['broken'], { stdout: new TextSink() });
    expect(result).toEqual({ kind: 'error', message: 'the shim is gone' });
  });

  it('rejects with the error of the runtime, its code, text and place', async () => {
    const stdout = new TextSink();
    const missing = bench.client.exec(
      { ...app, pod: 'nope', command: ['echo'], tty: false },
      { stdout, signal: never },
    );
    await expect(missing).rejects.toMatchObject({
      name: 'TunnelError',
      code: 'POD_NOT_FOUND',
      message: 'pods "nope" not found',
      where: 'container wéb',
    } satisfies Partial<TunnelError>);
    await expect(exec(['throws'], { stdout })).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
    await expect(exec([], { stdout })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: 'exec needs a command',
    });
    await expect(exec(['echo'], {})).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: 'you must specify at least 1 of stdin, stdout, stderr',
    });
  });

  it('tells the command that its client is gone when the caller aborts', async () => {
    const controller = new AbortController();
    const done = exec(['hang'], { stdout: new TextSink(), signal: controller.signal });
    await runtime.hasStarted;
    controller.abort();
    await expect(done).rejects.toMatchObject({ code: 'DIAL_CANCELLED' });
    await runtime.hasAborted;
    await eventually(() => expect(bench.kubelet.openRequests).toBe(0));
    await eventually(() =>
      expect(bench.events.at(-1)).toMatchObject({ kind: 'command.ended', error: 'killed' }),
    );
    const kinds = bench.events.map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['request.failed', 'command.left']));
  });

  it('gives a command all that a caller sent before it aborted, then the end of input', async () => {
    const controller = new AbortController();
    const stdin = new PassThrough();
    const stdout = new TextSink();
    const done = exec(['deaf'], { stdin, stdout, signal: controller.signal });
    stdin.write('x'.repeat(10_000));
    await runtime.hasStarted;
    const { input } = runtime;
    await eventually(() => expect(input?.readableLength).toBe(10_000));
    controller.abort();
    await expect(done).rejects.toMatchObject({ code: 'DIAL_CANCELLED' });
    await eventually(() => expect(bench.kubelet.openRequests).toBe(0));
    expect(input === undefined ? '' : await text(input)).toHaveLength(10_000);
    runtime.release();
  });

  it('tells the command that its client is gone when the output of the caller closes', async () => {
    const stdout = new TextSink();
    const done = exec(['hang'], { stdout });
    await runtime.hasStarted;
    stdout.destroy();
    await expect(done).rejects.toMatchObject({ code: 'DIAL_CANCELLED' });
    await runtime.hasAborted;
  });

  it('tells the command that its client is gone when the connection is cut, and the call ends with TUNNEL_CLOSED', async () => {
    const done = exec(['hang'], { stdout: new TextSink() });
    await runtime.hasStarted;
    for (const socket of bench.dialer.open) socket.destroy();
    await expect(done).rejects.toMatchObject({ code: 'TUNNEL_CLOSED' });
    await runtime.hasAborted;
  });

  it('reports each request with its protocol, exit code and duration', async () => {
    await bench.client.exec(
      { ...app, command: ['exit', '3'], tty: false },
      { stdout: new TextSink(), signal: never },
      { request: 'r-7' },
    );
    const common = { node: 'kubelet/node-1', verb: 'exec', path: '/exec/default/web-0/app', request: 'r-7' };
    expect(bench.events.filter((event) => event.kind.startsWith('request.'))).toEqual([
      expect.objectContaining({ ...common, kind: 'request.started', protocol: 'grpc' }),
      expect.objectContaining({
        ...common,
        kind: 'request.finished',
        exitCode: 3,
        durationMs: expect.any(Number),
      }),
    ]);
  });
});
