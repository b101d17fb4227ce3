import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { type Clock, createRealClock, ManualClock } from '../../../src/core/clock.js';
import { TunnelError } from '../../../src/core/errors.js';
import { SpdyPortForward } from '../../../src/streams/port-forward-client.js';
import type { ConnectPort, PortForwardContext } from '../../../src/streams/port-forward-context.js';
import { servePortForward } from '../../../src/streams/port-forward-server.js';
import { SpdyConnection } from '../../../src/streams/spdy/connection.js';
import { once, soon } from '../../support/waits.js';
import { digestOf, patternDigest, readAll, writePattern } from './support/bytes.js';
import { queue } from './support/spdy-pair.js';
import {
  dial,
  requestSpdy,
  startTcpServer,
  startUpgradeServer,
  type TestServer,
  upgradeToSpdy,
} from './support/upgrade-server.js';

const protocols = ['portforward.k8s.io'];
const size = 20 * 1024 * 1024;

describe('port-forward over SPDY', () => {
  const servers: TestServer[] = [];
  const failures: string[] = [];

  async function startKubelet(
    connect: ConnectPort,
    context: Partial<PortForwardContext> = {},
  ): Promise<number> {
    const onFailure = (error: TunnelError): void => void failures.push(error.message);
    const server = await startUpgradeServer((upgrade) =>
      servePortForward(upgrade, connect, { clock: createRealClock(), podId: 'POD1', onFailure, ...context }),
    );
    servers.push(server);
    return server.port;
  }

  /** A pod whose port runs `handler`, and a client that is joined to it. */
  async function start(
    handler: (socket: Socket) => void,
    context: Partial<PortForwardContext> = {},
  ): Promise<SpdyPortForward> {
    const pod = await startTcpServer(handler);
    servers.push(pod);
    return open(await startKubelet(() => dial(pod.port), context));
  }

  async function open(port: number, clock: Clock = createRealClock()): Promise<SpdyPortForward> {
    const { socket, head } = await upgradeToSpdy(port, { protocols });
    return new SpdyPortForward({ socket, head, clock });
  }

  afterEach(async () => {
    await Promise.all(servers.map((server) => server.close()));
    servers.length = 0;
    failures.length = 0;
  });

  it('joins each connection with the port that it names', async () => {
    const asked: number[] = [];
    const pod = await startTcpServer((socket) => socket.pipe(socket));
    servers.push(pod);
    const connect = (port: number): Promise<Duplex> => {
      asked.push(port);
      return dial(pod.port);
    };
    const client = await open(await startKubelet(connect));
    const connections = await Promise.all([80, 443].map((port) => client.open(port)));
    const echoes = connections.map(async ({ data, failure }, index) => {
      data.end(`hello ${index}`);
      return [(await readAll(data)).toString(), await failure];
    });
    expect(await Promise.all(echoes)).toEqual([
      ['hello 0', undefined],
      ['hello 1', undefined],
    ]);
    expect(asked).toEqual([80, 443]);
    await client.close();
  });

  it('carries 20 MiB each way at the same time, byte for byte', async () => {
    const received = queue<unknown>();
    // The second that one direction has after the end of the other is too short for a busy machine.
    const clock = new ManualClock();
    const client = await start(
      (socket) => {
        void digestOf(socket).then(received.add);
        void writePattern(socket, { size, seed: 2 });
      },
      { clock },
    );
    const { data } = await client.open(80);
    void writePattern(data, { size, seed: 1 });
    expect(await digestOf(data)).toEqual(await patternDigest(size, 2));
    expect(await received.next()).toEqual(await patternDigest(size, 1));
    await client.close();
  });

  it('gives the pod one second for its answer after the client’s half-close', async () => {
    const clock = new ManualClock();
    const pods = queue<Socket>();
    const client = await start(pods.add, { clock });
    const { data, failure } = await client.open(80);
    const pod = await pods.next();
    data.end('question');
    expect((await readAll(pod)).toString()).toBe('question');
    clock.advance(999);
    pod.end('answer');
    expect((await readAll(data)).toString()).toBe('answer');
    expect(await failure).toBeUndefined();
    await client.close();
  });

  it('drops what a pod sends on and on to a client that has ended, after one second', async () => {
    const clock = new ManualClock();
    const pods = queue<Socket>();
    const client = await start(pods.add, { clock });
    const { data, failure } = await client.open(80);
    const pod = await pods.next();
    const closed = soon((resolve) => pod.once('close', resolve), 'end of the connection');
    pod.on('error', () => undefined);
    data.end();
    await readAll(pod);
    const sendOn = (): void => {
      while (!pod.destroyed && pod.write(Buffer.alloc(65_536)));
    };
    pod.on('drain', sendOn);
    sendOn();
    await once(data, 'data');
    clock.advance(1_000);
    expect(await failure).toBeUndefined();
    await closed;
    await client.close();
  });

  it('ends the error stream one second after the pod’s end, though the client sends no FIN', async () => {
    const clock = new ManualClock();
    const pods = queue<Socket>();
    const client = await start(pods.add, { clock });
    const { data, failure } = await client.open(80);
    const pod = await pods.next();
    let ended = false;
    void failure.then(() => {
      ended = true;
    });
    pod.end('all there is');
    expect((await readAll(data)).toString()).toBe('all there is');
    const closed = once(pod, 'close');
    expect(ended).toBe(false);
    clock.advance(1_000);
    expect(await failure).toBeUndefined();
    await closed;
    await client.close();
  });

  it('tells a refused port on the error stream and resets the data stream', async () => {
    const refuse = (): Promise<Duplex> =>
      Promise.reject(new TunnelError('PORT_CLOSED', 'dial tcp 127.0.0.1:81: connect: connection refused'));
    const client = await open(await startKubelet(refuse));
    const { data, failure } = await client.open(81);
    const text =
      'error forwarding port 81 to pod POD1, uid : dial tcp 127.0.0.1:81: connect: connection refused';
    expect(await failure).toBe(text);
    await soon<void>(
      (resolve) => (data.destroyed ? resolve() : data.once('close', () => resolve())),
      'end of the stream',
    );
    expect(failures).toEqual([text]);
    await client.close();
  });

  it('tells a connection that breaks on the error stream', async () => {
    const pods = queue<Socket>();
    const client = await start(pods.add);
    const { failure } = await client.open(80);
    (await pods.next()).resetAndDestroy();
    expect(await failure).toBe('error forwarding port 80 to pod POD1, uid : read: connection reset by peer');
    await client.close();
  });

  it('closes the pod’s connections when the client resets a stream or leaves', async () => {
    const pods = queue<Socket>();
    const client = await start(pods.add);
    const [first] = [await client.open(80), await client.open(80)];
    const ends = [await pods.next(), await pods.next()].map((pod) => once(pod.resume(), 'end'));
    first.data.destroy();
    await Promise.race(ends);
    client.destroy();
    await Promise.all(ends);
  });

  it('gives a dial up when the client leaves', async () => {
    const signals = queue<AbortSignal>();
    const connect = (_port: number, signal: AbortSignal): Promise<Duplex> => {
      signals.add(signal);
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const client = await open(await startKubelet(connect));
    await client.open(80);
    const signal = await signals.next();
    client.destroy();
    if (!signal.aborted) await once(signal, 'abort');
    expect(signal.aborted).toBe(true);
  });

  it('times a pair out that stays incomplete, with the kubelet’s text', async () => {
    const clock = new ManualClock();
    const port = await startKubelet(() => Promise.reject(new Error('never')), { clock });
    const { socket, head } = await upgradeToSpdy(port, { protocols });
    const connection = new SpdyConnection({ role: 'client', socket, head, clock });
    const headers = { streamtype: 'error', port: '80', requestid: '7' };
    const stream = await connection.open(Object.entries(headers));
    clock.advance(30_000);
    expect((await readAll(stream)).toString()).toBe('(conn=POD1, request=7) timed out waiting for streams');
    connection.destroy();
  });

  it('pairs the streams of the oldest clients, which send no request ID', async () => {
    const pod = await startTcpServer((socket) => socket.pipe(socket));
    servers.push(pod);
    const port = await startKubelet(() => dial(pod.port));
    const { socket, head } = await upgradeToSpdy(port, { protocols });
    const connection = new SpdyConnection({ role: 'client', socket, head, clock: createRealClock() });
    await connection.open(Object.entries({ streamtype: 'error', port: '80' }));
    const data = await connection.open(Object.entries({ streamtype: 'data', port: '80' }));
    data.end('old');
    expect((await readAll(data)).toString()).toBe('old');
    connection.destroy();
  });

  it.each([
    [{ streamtype: 'data' }, '"port" header is required'],
    [{ streamtype: 'data', port: 'x' }, 'unable to parse "x" as a port'],
    [{ streamtype: 'data', port: '65536' }, 'unable to parse "65536" as a port'],
    [{ streamtype: 'data', port: '0' }, 'port "0" must be > 0'],
    [{ port: '80' }, '"streamType" header is required'],
    [{ streamtype: 'stdin', port: '80' }, 'invalid stream type "stdin"'],
  ])('resets a stream with headers %o', async (headers, reason) => {
    const port = await startKubelet(() => Promise.reject(new Error('never')));
    const { socket, head } = await upgradeToSpdy(port, { protocols });
    const connection = new SpdyConnection({ role: 'client', socket, head, clock: createRealClock() });
    await expect(connection.open(Object.entries(headers))).rejects.toThrow('Stream reset');
    expect(failures).toEqual([reason]);
    connection.destroy();
  });

  it('refuses other protocols with 403, and no protocol with 400', async () => {
    const port = await startKubelet(() => Promise.reject(new Error('never')));
    expect(await requestSpdy(port, { protocols: ['v4.channel.k8s.io'] })).toMatchObject({ status: 403 });
    expect(await requestSpdy(port, { protocols: [] })).toMatchObject({ status: 400 });
  });

  it('ends when its signal aborts', async () => {
    const closing = new AbortController();
    const pods = queue<Socket>();
    const client = await start(pods.add, { signal: closing.signal });
    await client.open(80);
    const pod = (await pods.next()).resume();
    closing.abort();
    expect((await client.ended)?.code).toBe('TUNNEL_CLOSED');
    await once(pod, 'end');
  });
});
