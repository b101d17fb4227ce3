import { createHash } from 'node:crypto';
import { PassThrough } from 'node:stream';

import { afterEach, describe, expect, it } from 'vitest';
import type WebSocket from 'ws';
import type { RemoteCommandContext, RunRemoteCommand } from '../../../src/streams/remote-command-context.js';
import type { RemoteCommandOptions, StreamProtocol, TerminalSize } from '../../../src/streams/types.js';
import { once, soon, until } from '../../support/waits.js';
import { digestOf, patternDigest, readAll, writePattern } from './support/bytes.js';
import { allStreams, openWebSocketCommand, required, startCommandServer } from './support/command-client.js';
import type { TestServer } from './support/upgrade-server.js';

const v5 = 'v5.channel.k8s.io';
const size = 20 * 1024 * 1024;
const exitsWith =
  (code: number): RunRemoteCommand =>
  () =>
    Promise.resolve({ kind: 'exit', code });

describe('remote command over WebSocket', () => {
  let server: TestServer | undefined;

  async function start(
    run: RunRemoteCommand,
    options?: RemoteCommandOptions,
    context?: Partial<RemoteCommandContext>,
  ): Promise<string> {
    server = await startCommandServer(run, options, context);
    return `ws://127.0.0.1:${server.port}/`;
  }

  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  it.each([
    [v5, 'websocket-v5'],
    ['v4.channel.k8s.io', 'websocket-v4'],
    ['v4.base64.channel.k8s.io', 'websocket-v4'],
  ])('sends output, the Status on channel 3 and close 1000 with %s', async (name, kind) => {
    const seen: StreamProtocol[] = [];
    const run: RunRemoteCommand = async ({ stdout, stderr }) => {
      stdout?.write('out');
      stderr?.write('err');
      return { kind: 'exit', code: 7 };
    };
    const url = await start(run, allStreams, { onProtocol: (protocol) => seen.push(protocol) });
    const { ws, ended } = await openWebSocketCommand(url, [name]);
    const end = await ended;
    expect(ws.protocol).toBe(name);
    expect([end.text(1), end.text(2)]).toEqual(['out', 'err']);
    expect(end.text(3)).toBe(
      '{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: exit status 7",' +
        '"reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}',
    );
    expect(end.messages.at(-1)?.[0]).toBe(3);
    expect(end.code).toBe(1000);
    expect(seen).toEqual([kind]);
  });

  it('begins with an empty message on the lowest channel that it writes', async () => {
    const url = await start(exitsWith(0), { ...allStreams, stdout: false });
    const end = await (await openWebSocketCommand(url, [v5])).ended;
    expect(end.messages[0]).toEqual(Buffer.of(2));
    expect(end.text(3)).toBe('{"metadata":{},"status":"Success"}');
  });

  it.each(['channel.k8s.io', 'base64.channel.k8s.io'])('keeps plain text errors for %s', async (name) => {
    const failing = await (await openWebSocketCommand(await start(exitsWith(2)), [name])).ended;
    expect(failing.text(3)).toBe('command terminated with non-zero exit code: exit status 2');
    await server?.close();
    const fine = await (await openWebSocketCommand(await start(exitsWith(0)), [name])).ended;
    expect([fine.text(3), fine.code]).toEqual(['', 1000]);
  });

  it('serves a client that names no protocol', async () => {
    const { ws, ended } = await openWebSocketCommand(await start(exitsWith(0)), []);
    expect((await ended).code).toBe(1000);
    expect(ws.protocol).toBe('');
  });

  it('takes the client’s first choice that it has', async () => {
    const url = await start(exitsWith(0), allStreams, { webSocketProtocols: ['v4.channel.k8s.io', ''] });
    const { ws, ended } = await openWebSocketCommand(url, [v5, 'v4.channel.k8s.io']);
    expect(ws.protocol).toBe('v4.channel.k8s.io');
    await ended;
  });

  it('refuses with 403 when no name is common', async () => {
    const failures: string[] = [];
    const url = await start(exitsWith(0), allStreams, { onFailure: (error) => failures.push(error.message) });
    await expect(openWebSocketCommand(url, ['v9.channel.k8s.io'])).rejects.toThrow('403');
    expect(failures[0]).toMatch('requested protocol(s) are not supported: [v9.channel.k8s.io]');
  });

  it('ends stdin at the v5 CLOSE message, and the command goes on', async () => {
    const run: RunRemoteCommand = async ({ stdin, stdout }) => {
      stdout?.write((await readAll(required(stdin))).toString().toUpperCase());
      return { kind: 'exit', code: 0 };
    };
    const { send, ended } = await openWebSocketCommand(await start(run), [v5]);
    send(0, 'hello');
    send(255, Buffer.of(0));
    expect((await ended).text(1)).toBe('HELLO');
  });

  it('carries 20 MiB each way, byte for byte', async () => {
    const run: RunRemoteCommand = async ({ stdin, stdout }) => {
      const echo = stdout && writePattern(stdout, { size, seed: 9 });
      const input = await digestOf(required(stdin));
      await echo;
      const same = input.sha256 === (await patternDigest(size, 8)).sha256;
      return { kind: 'exit', code: same ? 0 : 1 };
    };
    const { ws, send, ended } = await openWebSocketCommand(await start(run), [v5]);
    const input = new PassThrough();
    void writePattern(input, { size, seed: 8 });
    for await (const chunk of input as AsyncIterable<Buffer>) {
      send(0, chunk);
      await until(() => ws.bufferedAmount <= 1024 * 1024);
    }
    send(255, Buffer.of(0));
    const end = await ended;
    expect(end.text(3)).toBe('{"metadata":{},"status":"Success"}');
    const digest = createHash('sha256').update(end.bytes(1)).digest('hex');
    expect(digest).toBe((await patternDigest(size, 9)).sha256);
  });

  it('stops reading while the command does not read its stdin', async () => {
    let release: () => void = () => undefined;
    const run: RunRemoteCommand = async ({ stdin }) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return { kind: 'exit', code: (await digestOf(required(stdin))).bytes === size ? 0 : 1 };
    };
    const { send, ended } = await openWebSocketCommand(await start(run), [v5]);
    const block = Buffer.alloc(64 * 1024);
    for (let sent = 0; sent < size; sent += block.length) send(0, block);
    send(255, Buffer.of(0));
    const [socket] = [...(server?.sockets ?? [])];
    await until(() => socket?.isPaused() !== false);
    expect(socket?.bytesRead).toBeLessThan(size / 2);
    release();
    expect((await ended).text(3)).toBe('{"metadata":{},"status":"Success"}');
  });

  it('hands over terminal sizes with and without line ends', async () => {
    const sizes: TerminalSize[] = [];
    const run: RunRemoteCommand = async ({ resize }) => {
      for await (const each of resize ?? []) if (sizes.push(each) === 2) break;
      return { kind: 'exit', code: 0 };
    };
    const { send, ended } = await openWebSocketCommand(await start(run, { ...allStreams, tty: true }), [v5]);
    send(4, '{"Width":100,"Height":30}\n');
    send(4, '{"height":24,"width":80}');
    await ended;
    expect(sizes).toEqual([
      { width: 100, height: 30 },
      { width: 80, height: 24 },
    ]);
  });

  it.each([
    ['an unknown channel', Buffer.of(9, 1)],
    ['a CLOSE message of three bytes', Buffer.of(255, 0, 0)],
  ])('drops a client that sends %s, and tells the command', async (_name, message) => {
    const run: RunRemoteCommand = ({ signal }) =>
      once(signal, 'abort').then(() => ({ kind: 'exit', code: 137 }) as const);
    const { ws, ended } = await openWebSocketCommand(await start(run), [v5]);
    ws.send(message);
    expect((await ended).code).toBe(1002);
  });

  it.each([
    ['drops the connection', (ws: WebSocket) => ws.terminate()],
    ['closes the WebSocket', (ws: WebSocket) => ws.close(1000)],
    ['closes with a failure', (ws: WebSocket) => ws.close(3000)],
  ])('gives all of stdin, then its end, when the client %s without CLOSE', async (_name, leave) => {
    const bytes = Buffer.alloc(1024 * 1024, 'upload');
    let gone: Promise<unknown> | undefined;
    const input = soon<string>((resolve, reject) => {
      const run: RunRemoteCommand = async ({ stdin, signal }) => {
        gone = signal.aborted ? Promise.resolve() : once(signal, 'abort');
        await readAll(required(stdin)).then((read) => resolve(read.toString()), reject);
        return { kind: 'exit', code: 1 };
      };
      void start(run).then(async (url) => {
        const { ws } = await openWebSocketCommand(url, ['v4.channel.k8s.io']);
        ws.send(Buffer.concat([Buffer.of(0), bytes]), () => leave(ws));
      });
    }, 'input of the command');
    expect((await input) === bytes.toString()).toBe(true);
    await gone;
  });

  it('ends at once when its signal aborts', async () => {
    const closing = new AbortController();
    const run: RunRemoteCommand = ({ signal }) =>
      once(signal, 'abort').then(() => ({ kind: 'exit', code: 1 }) as const);
    const { ended } = await openWebSocketCommand(await start(run, allStreams, { signal: closing.signal }), [
      v5,
    ]);
    closing.abort();
    expect((await ended).code).toBe(1006);
  });
});
