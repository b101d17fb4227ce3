import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import { TunnelError } from '../../../src/core/errors.js';
import type { RemoteCommandContext, RunRemoteCommand } from '../../../src/streams/remote-command-context.js';
import { SpdyConnection } from '../../../src/streams/spdy/connection.js';
import type { RemoteCommandOptions, StreamProtocol, TerminalSize } from '../../../src/streams/types.js';
import { once, soon } from '../../support/waits.js';
import { digestOf, patternDigest, readAll, writePattern } from './support/bytes.js';
import { allStreams, openSpdyCommand, required, startCommandServer } from './support/command-client.js';
import { requestSpdy, type TestServer, upgradeToSpdy } from './support/upgrade-server.js';

const size = 20 * 1024 * 1024;

describe('remote command over SPDY', () => {
  let server: TestServer | undefined;

  async function start(
    run: RunRemoteCommand,
    options?: RemoteCommandOptions,
    context?: Partial<RemoteCommandContext>,
  ): Promise<number> {
    server = await startCommandServer(run, options, context);
    return server.port;
  }

  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  it('gives the command its streams and the client its output and exit code', async () => {
    const protocols: StreamProtocol[] = [];
    const run: RunRemoteCommand = async ({ stdin, stdout, stderr }) => {
      const input = await readAll(required(stdin));
      stdout?.write(`out:${input.toString()}`);
      stderr?.write('err');
      return { kind: 'exit', code: 42 };
    };
    const port = await start(run, allStreams, { onProtocol: (protocol) => protocols.push(protocol) });
    const { protocol, command } = await openSpdyCommand(port);
    const output = Promise.all([readAll(required(command.stdout)), readAll(required(command.stderr))]);
    command.stdin?.end('hello');
    expect((await output).map(String)).toEqual(['out:hello', 'err']);
    expect(await command.ended).toEqual({ kind: 'status', result: { kind: 'exit', code: 42 } });
    expect(protocol).toBe('v4.channel.k8s.io');
    expect(protocols).toEqual(['spdy']);
    await command.close();
  });

  it('carries 20 MiB each way, byte for byte', async () => {
    const run: RunRemoteCommand = async ({ stdin, stdout }) => {
      const [input] = await Promise.all([
        digestOf(required(stdin)),
        stdout && writePattern(stdout, { size, seed: 5 }),
      ]);
      return input.sha256 === (await patternDigest(size, 4)).sha256
        ? { kind: 'exit', code: 0 }
        : { kind: 'error', message: `bad input of ${input.bytes} bytes` };
    };
    const { command } = await openSpdyCommand(await start(run));
    required(command.stderr).resume();
    if (command.stdin) void writePattern(command.stdin, { size, seed: 4 });
    expect(await digestOf(required(command.stdout))).toEqual(await patternDigest(size, 5));
    expect(await command.ended).toEqual({ kind: 'status', result: { kind: 'exit', code: 0 } });
    await command.close();
  });

  it.each([
    ['exec', 'error executing command in container: no such program'],
    ['attach', 'error attaching to container: no such program'],
  ] as const)('reports a failure of %s with Kubernetes’ text', async (operation, text) => {
    const run = (): Promise<never> => Promise.reject(new TunnelError('COMMAND_NOT_FOUND', 'no such program'));
    const { command } = await openSpdyCommand(await start(run, allStreams, { operation }));
    const message = `Internal error occurred: ${text}`;
    expect(await command.ended).toEqual({ kind: 'status', result: { kind: 'error', message } });
    await command.close();
  });

  it.each([
    [
      'v3.channel.k8s.io',
      'error executing remote command: command terminated with non-zero exit code: exit status 3',
    ],
    [
      'v2.channel.k8s.io',
      'error executing remote command: command terminated with non-zero exit code: exit status 3',
    ],
    [
      'channel.k8s.io',
      'error executing remote command: command terminated with non-zero exit code: exit status 3',
    ],
  ])('speaks the plain text errors of %s', async (name, message) => {
    const port = await start(async () => ({ kind: 'exit', code: 3 }));
    const { protocol, command } = await openSpdyCommand(port, allStreams, [name]);
    expect(protocol).toBe(name);
    expect(await command.ended).toEqual({ kind: 'status', result: { kind: 'error', message } });
    await command.close();
  });

  it('hands terminal sizes over one by one, and no stderr', async () => {
    const tty: RemoteCommandOptions = { stdin: false, stdout: true, stderr: true, tty: true };
    const sizes: TerminalSize[] = [];
    const run: RunRemoteCommand = async ({ resize, stdout, stderr }) => {
      stdout?.write('ready');
      for await (const each of resize ?? []) if (sizes.push(each) === 2) break;
      return { kind: 'exit', code: stderr === undefined ? 0 : 1 };
    };
    const { command } = await openSpdyCommand(await start(run, tty), { ...tty, stderr: false });
    await once(required(command.stdout), 'data');
    command.resize({ width: 100, height: 30 });
    command.resize({ width: 80, height: 24 });
    expect(await command.ended).toEqual({ kind: 'status', result: { kind: 'exit', code: 0 } });
    expect(sizes).toEqual([
      { width: 100, height: 30 },
      { width: 80, height: 24 },
    ]);
    await command.close();
  });

  it('tells the command at once when the client is gone, and its stdin has all that came before', async () => {
    let input: Promise<unknown> | undefined;
    const gone = soon<AbortSignal>((resolve) => {
      const run: RunRemoteCommand = async ({ stdin, stdout, signal }) => {
        input = readAll(required(stdin)).catch((error: unknown) => error);
        stdout?.write('ready');
        await once(signal, 'abort');
        resolve(signal);
        return { kind: 'exit', code: 137 };
      };
      void start(run).then(async (port) => {
        const { command } = await openSpdyCommand(port);
        await once(required(command.stdout), 'data');
        command.stdin?.write('half an upload');
        command.destroy();
      });
    }, 'end of the command');
    expect((await gone).reason).toMatchObject({ code: 'TUNNEL_CLOSED', message: 'the client is gone' });
    expect(await input).toBeInstanceOf(TunnelError);
  });

  it('does not tell a command that ended by itself that its client is gone', async () => {
    const signals: AbortSignal[] = [];
    const port = await start(async ({ signal }) => {
      signals.push(signal);
      return { kind: 'exit', code: 0 };
    });
    const { command } = await openSpdyCommand(port);
    await command.ended;
    await command.close();
    expect(signals.map((signal) => signal.aborted)).toEqual([false]);
  });

  it('reports a cut instead of a status when the server goes away', async () => {
    const port = await start(({ signal }) => once(signal, 'abort').then(() => ({ kind: 'exit', code: 1 })));
    const { command } = await openSpdyCommand(port);
    for (const socket of server?.sockets ?? []) socket.destroy();
    expect(await command.ended).toEqual({ kind: 'cut', message: 'unexpected EOF' });
  });

  it('closes without a word when the client does not open all streams in 30 s', async () => {
    const clock = new ManualClock();
    const failures: string[] = [];
    const onFailure = (error: TunnelError): void => void failures.push(error.message);
    const port = await start(() => Promise.reject(new Error('never')), allStreams, { clock, onFailure });
    const { socket, head } = await upgradeToSpdy(port);
    const connection = new SpdyConnection({ role: 'client', socket, head, clock });
    const stream = await connection.open([['streamtype', 'error']]);
    const end = soon((resolve) => stream.once('close', () => resolve(stream.errored)), 'end of the stream');
    clock.advance(30_000);
    expect(await end).toBeInstanceOf(TunnelError);
    expect(failures).toEqual(['timed out waiting for client to create streams']);
  });

  it('refuses streams that were not asked for, and goes on', async () => {
    const port = await start(async () => ({ kind: 'exit', code: 0 }), { ...allStreams, stdin: false });
    const { socket, head } = await upgradeToSpdy(port);
    const clock = new ManualClock();
    const connection = new SpdyConnection({ role: 'client', socket, head, clock });
    await connection.open([['streamtype', 'error']]);
    await expect(connection.open([['streamtype', 'stdin']])).rejects.toThrow('Stream reset');
    await expect(connection.open([['streamtype', 'error']])).rejects.toThrow('Stream reset');
    await expect(connection.open([['nonsense', 'x']])).rejects.toThrow('Stream reset');
    connection.destroy();
  });

  it('ends every connection when its signal aborts', async () => {
    const closing = new AbortController();
    const warnings: Error[] = [];
    const warn = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warn);
    const run: RunRemoteCommand = ({ signal }) =>
      once(signal, 'abort').then(() => ({ kind: 'exit', code: 1 }) as const);
    const port = await start(run, allStreams, { signal: closing.signal });
    const commands = await Promise.all(Array.from({ length: 20 }, () => openSpdyCommand(port)));
    closing.abort();
    const ends = await Promise.all(commands.map(({ command }) => command.ended));
    expect(new Set(ends.map((end) => end.kind))).toEqual(new Set(['cut']));
    process.off('warning', warn);
    expect(warnings).toEqual([]);
  });

  it('answers 403 with its versions when no version is common', async () => {
    const answer = await requestSpdy(await start(async () => ({ kind: 'exit', code: 0 })), {
      protocols: ['v9', 'v8'],
    });
    expect(answer).toMatchObject({ kind: 'refused', status: 403 });
    expect(answer.rawHeaders.filter((name) => name === 'X-Accepted-Stream-Protocol-Versions')).toHaveLength(
      4,
    );
    expect(answer.kind === 'refused' && answer.body.toString()).toBe(
      'unable to upgrade: unable to negotiate protocol: client supports [v9 v8], server accepts ' +
        '[v4.channel.k8s.io v3.channel.k8s.io v2.channel.k8s.io channel.k8s.io]\n',
    );
  });

  it.each([
    [
      'no version',
      { protocols: [] },
      allStreams,
      /^unable to upgrade: X-Stream-Protocol-Version is required/,
    ],
    [
      'no stream',
      {},
      { ...allStreams, stdin: false, stdout: false, stderr: false },
      /^you must specify at least 1 of/,
    ],
  ])('answers 400 to a request with %s', async (_name, request, options, text) => {
    const answer = await requestSpdy(await start(async () => ({ kind: 'exit', code: 0 }), options), request);
    expect(answer).toMatchObject({ kind: 'refused', status: 400 });
    expect(answer.kind === 'refused' && answer.body.toString()).toMatch(text);
  });
});
