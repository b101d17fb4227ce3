import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { createRealClock } from '../../../src/core/clock.js';
import { headerList } from '../../../src/streams/protocol-names.js';
import type { RunRemoteCommand } from '../../../src/streams/remote-command-context.js';
import { dataHead } from '../../../src/streams/spdy/frames.js';
import { refuseUpgrade } from '../../../src/streams/upgrade-response.js';
import { once } from '../../support/waits.js';
import { digestOf, patternDigest, readAll, writePattern } from '../streams/support/bytes.js';
import { openSpdyCommand, openWebSocketCommand, required } from '../streams/support/command-client.js';
import { queue } from '../streams/support/spdy-pair.js';
import { dial, requestSpdy, startTcpServer, startUpgradeServer } from '../streams/support/upgrade-server.js';
import {
  execPath,
  type FacadeOptions,
  startFacade,
  startKubelet,
  type TestFacade,
} from './support/facade.js';

const size = 20 * 1024 * 1024;
const waits: RunRemoteCommand = async ({ stdout, signal }) => {
  stdout?.write('ready');
  await once(signal, 'abort');
  return { kind: 'exit', code: 137 };
};

describe('plain upgrade proxy', () => {
  const open: { close(): Promise<void> }[] = [];

  async function facade(options: FacadeOptions): Promise<TestFacade> {
    const started = await startFacade(options);
    open.push(started);
    return started;
  }

  async function kubelet(run: RunRemoteCommand): ReturnType<typeof startKubelet> {
    const started = await startKubelet(run);
    open.push(started);
    return started;
  }

  /** A kubelet of which only the bytes matter. */
  async function rawKubelet(onConnection: (socket: Socket) => void): Promise<number> {
    const server = await startTcpServer(onConnection);
    open.push(server);
    return server.port;
  }

  afterEach(async () => {
    await Promise.all(open.map((each) => each.close()));
    open.length = 0;
  });

  it('carries SPDY unseen, 20 MiB each way', async () => {
    const node = await kubelet(async ({ stdin, stdout }) => {
      const [input] = await Promise.all([
        digestOf(required(stdin)),
        stdout && writePattern(stdout, { size, seed: 2 }),
      ]);
      return { kind: 'exit', code: input.sha256 === (await patternDigest(size, 1)).sha256 ? 0 : 1 };
    });
    const front = await facade({ kubelet: node.port });
    const { command, protocol } = await openSpdyCommand(front.port);
    required(command.stderr).resume();
    if (command.stdin) void writePattern(command.stdin, { size, seed: 1 });
    expect(await digestOf(required(command.stdout))).toEqual(await patternDigest(size, 2));
    expect(await command.ended).toEqual({ kind: 'status', result: { kind: 'exit', code: 0 } });
    expect(protocol).toBe('v4.channel.k8s.io');
    await command.close();
    expect(await front.outcome()).toEqual({ protocol: 'spdy', status: 101 });
  });

  it('sends the client’s method and lines to the kubelet’s path, without its credential, and our name for the request', async () => {
    const node = await kubelet(async () => ({ kind: 'exit', code: 0 }));
    const front = await facade({ kubelet: node.port, overrides: { request: 'main-1' } });
    const ours = ['X-Forwarded-For', '192.0.2.1', 'X-Custom', 'kept', 'Audit-Id', 'theirs'];
    const headers = ['Authorization', 'Bearer secret', 'Impersonate-User', 'bob', ...ours];
    const protocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io'];
    const answer = await requestSpdy(front.port, { method: 'GET', path: '/api/x', headers, protocols });
    const [asked] = node.asked;
    expect([asked?.method, asked?.url]).toEqual(['GET', execPath]);
    expect(asked?.headers).toMatchObject({
      host: '10.0.0.1:10250',
      'x-forwarded-for': '192.0.2.1, 127.0.0.1',
      'x-custom': 'kept',
      'audit-id': 'main-1',
    });
    expect(asked?.headers.authorization).toBeUndefined();
    expect(asked?.headers['impersonate-user']).toBeUndefined();
    expect(asked && headerList(asked, 'X-Stream-Protocol-Version')).toEqual(protocols);
    if (answer.kind === 'upgraded') answer.socket.destroy();
  });

  it('carries WebSockets of v4 unseen', async () => {
    const node = await kubelet(async ({ stdout }) => {
      stdout?.write('out');
      return { kind: 'exit', code: 0 };
    });
    const front = await facade({ kubelet: node.port });
    const { ws, ended } = await openWebSocketCommand(`ws://127.0.0.1:${front.port}/`, ['v4.channel.k8s.io']);
    expect((await ended).text(1)).toBe('out');
    expect(ws.protocol).toBe('v4.channel.k8s.io');
    expect(await front.outcome()).toEqual({ protocol: 'websocket-v4', status: 101 });
  });

  it('passes bytes on that come together with the request and with the 101', async () => {
    const heard = new PassThrough();
    const port = await rawKubelet((socket) => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nearly answer',
      );
      socket.pipe(heard);
    });
    // The text is no SPDY, so it must pass unseen.
    const front = await facade({ kubelet: port, overrides: { faithful: new Set(['exec-cut-is-success']) } });
    const client = await dial(front.port);
    client.write(
      'POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nearly question',
    );
    let answer = '';
    while (!answer.endsWith('early answer')) answer += String((await once(client, 'data'))[0]);
    let question = '';
    while (!question.endsWith('early question')) question += String((await once(heard, 'data'))[0]);
    expect(answer).toMatch(
      /^HTTP\/1\.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY\/3\.1\r\n\r\n/,
    );
    client.destroy();
    await front.outcome();
  });

  it('answers a failed dial with a 500 Status', async () => {
    const front = await facade({ kubelet: new Error('No agent available') });
    const answer = await requestSpdy(front.port);
    expect(answer).toMatchObject({
      kind: 'refused',
      status: 500,
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.kind === 'refused' && JSON.parse(answer.body.toString())).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'error dialing backend: No agent available',
      code: 500,
    });
    const error = 'error dialing backend: No agent available';
    expect(await front.outcome()).toEqual({ protocol: 'spdy', status: 500, error, code: 'DIAL_FAILED' });
  });

  it('echoes a refusal with its status, headers and body', async () => {
    const node = await startUpgradeServer(({ socket }) => {
      const headers = [['Retry-After', '60'] as const];
      refuseUpgrade(socket, { status: 429, body: 'too many', headers }, createRealClock());
    });
    open.push(node);
    const front = await facade({ kubelet: node.port });
    const answer = await requestSpdy(front.port);
    expect(answer).toMatchObject({ kind: 'refused', status: 429, headers: { 'retry-after': '60' } });
    expect(answer.kind === 'refused' && answer.body.toString()).toBe('too many');
    expect(await front.outcome()).toEqual({ protocol: 'spdy', status: 429, error: 'too many' });
  });

  it('calls an answer below 400 invalid', async () => {
    const port = await rawKubelet((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    const answer = await requestSpdy((await facade({ kubelet: port })).port);
    expect(answer).toMatchObject({ kind: 'refused', status: 500 });
    expect(answer.kind === 'refused' && answer.body.toString()).toMatch(
      'invalid upgrade response: status code 200',
    );
  });

  it.each(['destroy', 'end'] as const)(
    'tells a SPDY client by a Status that the kubelet was cut off, by %s',
    async (how) => {
      const node = await kubelet(waits);
      const front = await facade({ kubelet: node.port });
      const { command } = await openSpdyCommand(front.port);
      await once(required(command.stdout), 'data');
      const socket = await front.kubeletSocket();
      // Either what reset looks like here, or a kubelet that is gone without a word: its last bytes end in order.
      if (how === 'destroy') socket.destroy();
      else socket.push(null);
      const message = 'Internal error occurred: error reading from error stream: unexpected EOF';
      expect(await command.ended).toEqual({ kind: 'status', result: { kind: 'error', message } });
      await command.close();
      const error = 'the connection to the kubelet was cut';
      expect(await front.outcome()).toEqual({ protocol: 'spdy', status: 101, error });
    },
  );

  it('tells it in mid-frame, too, behind what had come', async () => {
    const node = await kubelet(waits);
    const front = await facade({ kubelet: node.port });
    const { command } = await openSpdyCommand(front.port);
    await once(required(command.stdout), 'data');
    const socket = await front.kubeletSocket();
    // The streams are error, stdin, stdout; the frame promises 1000 bytes.
    socket.emit('data', Buffer.concat([dataHead(5, 1000, true), Buffer.from('half')]));
    const [half] = (await once(required(command.stdout), 'data')) as [Buffer];
    socket.destroy();
    expect(half.toString()).toBe('half');
    expect(await command.ended).toMatchObject({ kind: 'status', result: { kind: 'error' } });
    await command.close();
  });

  it('closes the client’s socket at once when the kubelet is cut off and the original is wanted', async () => {
    const node = await kubelet(waits);
    const front = await facade({
      kubelet: node.port,
      overrides: { faithful: new Set(['exec-cut-is-success']) },
    });
    const { command } = await openSpdyCommand(front.port);
    await once(required(command.stdout), 'data');
    (await front.kubeletSocket()).destroy();
    expect(await command.ended).toEqual({ kind: 'cut', message: 'unexpected EOF' });
    const error = 'the connection to the kubelet was cut';
    expect(await front.outcome()).toEqual({ protocol: 'spdy', status: 101, error });
  });

  it('has nothing to tell when the kubelet has said how it ended', async () => {
    const node = await kubelet(async () => ({ kind: 'exit', code: 3 }));
    const front = await facade({ kubelet: node.port });
    const { command } = await openSpdyCommand(front.port);
    expect(await command.ended).toEqual({ kind: 'status', result: { kind: 'exit', code: 3 } });
    await command.close();
    expect(await front.outcome()).toEqual({ protocol: 'spdy', status: 101 });
  });

  it.each(['destroy', 'end'] as const)('ends the kubelet’s side at once on the client’s %s', async (how) => {
    const sockets = queue<Socket>();
    const port = await rawKubelet((socket) => {
      socket.write('HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n');
      sockets.add(socket);
    });
    const front = await facade({ kubelet: port });
    const answer = await requestSpdy(front.port);
    const kubeletSide = (await sockets.next()).resume();
    if (answer.kind === 'upgraded') answer.socket[how]();
    await once(kubeletSide, 'end');
    await front.outcome();
  });

  it('gives the dial up when the client leaves', async () => {
    const signals = queue<AbortSignal>();
    const connect = (signal: AbortSignal): Promise<never> => {
      signals.add(signal);
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const front = await facade({ kubelet: new Error('unused'), overrides: { connect } });
    const client = await dial(front.port);
    client.write('POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n');
    await signals.next();
    client.resetAndDestroy();
    expect(await front.outcome()).toEqual({ protocol: 'spdy', status: 499, error: 'the client is gone' });
  });

  it('ends both sides when its signal aborts', async () => {
    const closing = new AbortController();
    const node = await kubelet(waits);
    const front = await facade({
      kubelet: node.port,
      overrides: { signal: closing.signal, serverSignal: closing.signal },
    });
    const { command } = await openSpdyCommand(front.port);
    const socket = await front.kubeletSocket();
    const closed = once(socket, 'close');
    closing.abort();
    expect((await command.ended).kind).toBe('cut');
    await closed;
  });

  it('leaves nothing behind a client that ends in order', async () => {
    const node = await kubelet(async ({ stdin }) => {
      await readAll(required(stdin));
      return { kind: 'exit', code: 0 };
    });
    const front = await facade({ kubelet: node.port });
    const { command } = await openSpdyCommand(front.port);
    const socket = await front.kubeletSocket();
    command.stdin?.end();
    await command.ended;
    await command.close();
    await front.outcome();
    if (!socket.closed) await once(socket, 'close');
    expect(socket.destroyed).toBe(true);
  });
});
