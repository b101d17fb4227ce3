import { createHash } from 'node:crypto';
import { PassThrough } from 'node:stream';

import { afterEach, describe, expect, it } from 'vitest';
import { commandStreamsOf } from '../../../src/apiserver/streaming/stream-translator.js';
import { createRealClock } from '../../../src/core/clock.js';
import { headerList } from '../../../src/streams/protocol-names.js';
import type { RunRemoteCommand } from '../../../src/streams/remote-command-context.js';
import type { TerminalSize } from '../../../src/streams/types.js';
import { refuseUpgrade } from '../../../src/streams/upgrade-response.js';
import { once, until } from '../../support/waits.js';
import { digestOf, patternDigest, readAll, writePattern } from '../streams/support/bytes.js';
import { openWebSocketCommand, required, type WebSocketCommand } from '../streams/support/command-client.js';
import { startUpgradeServer } from '../streams/support/upgrade-server.js';
import {
  execPath,
  type FacadeOptions,
  startFacade,
  startKubelet,
  type TestFacade,
} from './support/facade.js';

const v5 = 'v5.channel.k8s.io';
const size = 20 * 1024 * 1024;
const success = '{"metadata":{},"status":"Success"}';

/** The Status for an InternalError. */
const failure = (message: string): object => ({
  metadata: {},
  status: 'Failure',
  message: `Internal error occurred: ${message}`,
  reason: 'InternalError',
  details: { causes: [{ message }] },
  code: 500,
});

describe('stream translator', () => {
  const open: { close(): Promise<void> }[] = [];

  async function kubelet(run: RunRemoteCommand): ReturnType<typeof startKubelet> {
    const started = await startKubelet(run);
    open.push(started);
    return started;
  }

  async function facade(options: FacadeOptions): Promise<TestFacade> {
    const started = await startFacade(options);
    open.push(started);
    return started;
  }

  const connect = ({ port }: TestFacade): Promise<WebSocketCommand> =>
    openWebSocketCommand(`ws://127.0.0.1:${port}/`, [v5]);

  afterEach(async () => {
    await Promise.all(open.map((each) => each.close()));
    open.length = 0;
  });

  it('asks the kubelet by POST over SPDY, v5 to v1, and copies all streams', async () => {
    const node = await kubelet(async ({ stdin, stdout, stderr }) => {
      stdout?.write((await readAll(required(stdin))).toString().toUpperCase());
      stderr?.write('warning');
      return { kind: 'exit', code: 0 };
    });
    const front = await facade({ kubelet: node.port });
    const { send, ended } = await connect(front);
    send(0, 'hello');
    send(255, Buffer.of(0));
    const end = await ended;
    expect([end.text(1), end.text(2), end.text(3), end.code]).toEqual(['HELLO', 'warning', success, 1000]);
    const [asked] = node.asked;
    expect([asked?.method, asked?.url, asked?.headers.host]).toEqual(['POST', execPath, '10.0.0.1:10250']);
    expect(asked && headerList(asked, 'X-Stream-Protocol-Version')).toEqual([
      v5,
      'v4.channel.k8s.io',
      'v3.channel.k8s.io',
      'v2.channel.k8s.io',
      'channel.k8s.io',
    ]);
    expect(await front.outcome()).toEqual({ protocol: 'websocket-v5', status: 101, exitCode: 0 });
  });

  it('passes an exit code on', async () => {
    const node = await kubelet(async () => ({ kind: 'exit', code: 42 }));
    const front = await facade({ kubelet: node.port });
    const end = await (await connect(front)).ended;
    expect(JSON.parse(end.text(3))).toEqual({
      metadata: {},
      status: 'Failure',
      message: 'command terminated with non-zero exit code: command terminated with exit code 42',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '42' }] },
    });
    expect(await front.outcome()).toMatchObject({ exitCode: 42 });
  });

  it('carries 20 MiB each way, byte for byte', async () => {
    const node = await kubelet(async ({ stdin, stdout }) => {
      const [input] = await Promise.all([
        digestOf(required(stdin)),
        stdout && writePattern(stdout, { size, seed: 2 }),
      ]);
      return { kind: 'exit', code: input.sha256 === (await patternDigest(size, 1)).sha256 ? 0 : 1 };
    });
    const { ws, send, ended } = await connect(await facade({ kubelet: node.port }));
    const input = new PassThrough();
    void writePattern(input, { size, seed: 1 });
    for await (const chunk of input as AsyncIterable<Buffer>) {
      send(0, chunk);
      await until(() => ws.bufferedAmount <= 1024 * 1024);
    }
    send(255, Buffer.of(0));
    const end = await ended;
    expect(end.text(3)).toBe(success);
    const digest = createHash('sha256').update(end.bytes(1)).digest('hex');
    expect(digest).toBe((await patternDigest(size, 2)).sha256);
  });

  it('passes terminal sizes on', async () => {
    const seen = new PassThrough({ objectMode: true });
    const node = await kubelet(async ({ resize }) => {
      for await (const each of resize ?? []) {
        seen.write(each);
        break;
      }
      return { kind: 'exit', code: 0 };
    });
    const path = '/exec/default/pod/c?command=sh&input=1&output=1&tty=1';
    const { send, ended } = await connect(await facade({ kubelet: node.port, path }));
    send(4, '{"Width":120,"Height":40}\n');
    const [size] = (await once(seen, 'data')) as [TerminalSize];
    expect(size).toEqual({ width: 120, height: 40 });
    await ended;
  });

  it('accepts the WebSocket first and puts a failed dial on channel 3', async () => {
    const front = await facade({ kubelet: new Error('No agent available') });
    const end = await (await connect(front)).ended;
    const message = `error sending request: Post "https://10.0.0.1:10250${execPath}": No agent available`;
    expect(JSON.parse(end.text(3))).toEqual(failure(message));
    expect(end.code).toBe(1000);
    const code = 'DIAL_FAILED';
    expect(await front.outcome()).toEqual({ protocol: 'websocket-v5', status: 101, error: message, code });
  });

  it('puts a connection that ends before the answer on channel 3', async () => {
    const node = await startUpgradeServer(({ socket }) => socket.destroy());
    open.push(node);
    const end = await (await connect(await facade({ kubelet: node.port }))).ended;
    const message = `error sending request: Post "https://10.0.0.1:10250${execPath}": EOF`;
    expect(JSON.parse(end.text(3))).toEqual(failure(message));
  });

  it('puts a refused upgrade on channel 3', async () => {
    const body = 'container not found ("c")\n';
    const node = await startUpgradeServer(({ socket }) =>
      refuseUpgrade(socket, { status: 500, body }, createRealClock()),
    );
    open.push(node);
    const end = await (await connect(await facade({ kubelet: node.port }))).ended;
    expect(JSON.parse(end.text(3))).toEqual(
      failure('unable to upgrade connection: container not found ("c")'),
    );
  });

  it('quotes a Status that the kubelet refuses with', async () => {
    const status =
      '{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","reason":"Forbidden","code":403}';
    const node = await startUpgradeServer(({ socket }) =>
      refuseUpgrade(
        socket,
        { status: 403, body: status, contentType: 'application/json' },
        createRealClock(),
      ),
    );
    open.push(node);
    const end = await (await connect(await facade({ kubelet: node.port }))).ended;
    expect(end.text(3)).toBe(status);
  });

  it('quotes the kubelet’s failure behind its own, as kube-apiserver does', async () => {
    const node = await kubelet(() => Promise.reject(new Error('no such program')));
    const end = await (await connect(await facade({ kubelet: node.port }))).ended;
    const message = 'Internal error occurred: error executing command in container: no such program';
    expect(JSON.parse(end.text(3))).toEqual(failure(message));
  });

  describe('when the kubelet is cut off in the middle', () => {
    async function cutInTheMiddle(overrides: FacadeOptions['overrides'] = {}) {
      const node = await kubelet(async ({ stdout, signal }) => {
        stdout?.write('half an answer');
        await once(signal, 'abort');
        return { kind: 'exit', code: 0 };
      });
      const front = await facade({ kubelet: node.port, overrides });
      const { ws, ended } = await connect(front);
      const socket = await front.kubeletSocket();
      for (;;) {
        const [message] = (await once(ws, 'message')) as [Buffer];
        if (message.includes('half an answer')) break;
      }
      const cutAt = performance.now();
      socket.destroy();
      const end = await ended;
      return { end, front, afterMs: performance.now() - cutAt };
    }

    it('tells the client so, within a second', async () => {
      const { end, front, afterMs } = await cutInTheMiddle();
      const message = 'error reading from error stream: unexpected EOF';
      expect(end.text(1)).toBe('half an answer');
      expect(JSON.parse(end.text(3))).toEqual(failure(message));
      expect(end.code).toBe(1000);
      expect(afterMs).toBeLessThan(1_000);
      expect(await front.outcome()).toEqual({ protocol: 'websocket-v5', status: 101, error: message });
    });

    it('reports success as kube-apiserver does, if asked to', async () => {
      const { end, front } = await cutInTheMiddle({ faithful: new Set(['exec-cut-is-success']) });
      expect(end.text(3)).toBe(success);
      expect(await front.outcome()).toMatchObject({ exitCode: 0 });
    });
  });

  it.each([
    ['drops the WebSocket', ({ ws }: WebSocketCommand) => ws.terminate()],
    ['closes the WebSocket', ({ ws }: WebSocketCommand) => ws.close(1000)],
  ])('lets the command go on when the client %s: input to its end, output dropped', async (_name, leave) => {
    const ended = new PassThrough();
    const node = await kubelet(async ({ stdin, stdout, signal }) => {
      stdout?.write('ready');
      const input = await readAll(required(stdin));
      const output = stdout ?? new PassThrough();
      for (let written = 0; written < 64; written++)
        if (!output.write(Buffer.alloc(65_536))) await once(output, 'drain');
      ended.end(`${input.length} ${signal.aborted}`);
      return { kind: 'exit', code: 0 };
    });
    const front = await facade({ kubelet: node.port });
    const command = await connect(front);
    await once(command.ws, 'message');
    command.send(0, 'x'.repeat(300_000));
    await expect.poll(() => command.ws.bufferedAmount).toBe(0);
    leave(command);
    expect((await readAll(ended)).toString()).toBe('300000 false');
    expect(await front.outcome()).toMatchObject({ error: 'the client is gone' });
  });

  it('ends both sides when its signal aborts', async () => {
    const closing = new AbortController();
    const aborted = new PassThrough();
    const node = await kubelet(async ({ stdout, signal }) => {
      stdout?.write('ready');
      await once(signal, 'abort');
      aborted.write('aborted');
      return { kind: 'exit', code: 137 };
    });
    const { ws, ended } = await connect(
      await facade({
        kubelet: node.port,
        overrides: { signal: closing.signal, serverSignal: closing.signal },
      }),
    );
    await once(ws, 'message');
    closing.abort();
    expect((await ended).code).toBe(1006);
    await once(aborted, 'data');
  });

  it('reads the streams from the kubelet’s path, where only 1 is true', () => {
    expect(commandStreamsOf('/exec/a/b/c?input=1&output=true&error=1&tty=1')).toEqual({
      stdin: true,
      stdout: false,
      stderr: false,
      tty: true,
    });
  });
});
