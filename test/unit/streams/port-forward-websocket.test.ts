import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { type Clock, createRealClock, ManualClock } from '../../../src/core/clock.js';
import { SpdyPortForward } from '../../../src/streams/port-forward-client.js';
import { servePortForward } from '../../../src/streams/port-forward-server.js';
import type { StreamProtocol } from '../../../src/streams/types.js';
import { WebSocketDuplex } from '../../../src/streams/websocket-duplex.js';
import { once } from '../../support/waits.js';
import { digestOf, patternDigest, readAll, writePattern } from './support/bytes.js';
import { openWebSocketCommand } from './support/command-client.js';
import { openTunnel, tunnelProtocol } from './support/tunnel-client.js';
import { dial, startTcpServer, startUpgradeServer, type TestServer } from './support/upgrade-server.js';

const size = 20 * 1024 * 1024;

describe('port-forward over WebSocket', () => {
  const servers: TestServer[] = [];
  const seen: StreamProtocol[] = [];

  async function start(handler: (socket: Socket) => void, clock: Clock = createRealClock()): Promise<string> {
    const pod = await startTcpServer(handler);
    const connect = (port: number): Promise<Socket> =>
      port === 81 ? Promise.reject(new Error('connection refused')) : dial(pod.port);
    const onProtocol = (protocol: StreamProtocol): void => void seen.push(protocol);
    const server = await startUpgradeServer((upgrade) =>
      servePortForward(upgrade, connect, { clock, podId: 'POD1', onProtocol }),
    );
    servers.push(pod, server);
    return `ws://127.0.0.1:${server.port}`;
  }

  afterEach(async () => {
    await Promise.all(servers.map((server) => server.close()));
    servers.length = 0;
    seen.length = 0;
  });

  it('names the tunnel protocol in the 101, slash and plus included', async () => {
    const url = await start(() => undefined);
    const { ws, protocol } = await openTunnel(url);
    expect(protocol).toBe(tunnelProtocol);
    expect(seen).toEqual(['websocket-tunnel']);
    ws.terminate();
  });

  it('tunnels SPDY: 20 MiB each way, byte for byte', async () => {
    const received = new PassThrough({ objectMode: true });
    // The second that one direction has after the end of the other is too short for a busy machine.
    const url = await start((socket) => {
      void digestOf(socket).then((digest) => received.write(digest));
      void writePattern(socket, { size, seed: 2 });
    }, new ManualClock());
    const { ws } = await openTunnel(url);
    const client = new SpdyPortForward({ socket: new WebSocketDuplex(ws), clock: createRealClock() });
    const { data, failure } = await client.open(80);
    void writePattern(data, { size, seed: 1 });
    expect(await digestOf(data)).toEqual(await patternDigest(size, 2));
    expect(await once(received, 'data')).toEqual([await patternDigest(size, 1)]);
    expect(await failure).toBeUndefined();
    await client.close();
  });

  it('takes SPDY bytes however they are cut into messages, empty ones included', async () => {
    const url = await start((socket) => socket.pipe(socket));
    const { ws } = await openTunnel(url);
    const near = new PassThrough();
    const far = new WebSocketDuplex(ws);
    near.on('data', (bytes: Buffer) => {
      for (const byte of bytes) {
        ws.send(Buffer.alloc(0));
        ws.send(Buffer.of(byte));
      }
    });
    const socket = Duplex.from({ readable: far, writable: near });
    const client = new SpdyPortForward({ socket, clock: createRealClock() });
    const { data } = await client.open(80);
    data.end('byte by byte');
    expect((await readAll(data)).toString()).toBe('byte by byte');
    client.destroy();
    ws.terminate();
  });

  it('ends the pod’s connection when the client drops the WebSocket', async () => {
    const closed = new PassThrough();
    const url = await start((socket) => socket.resume().once('end', () => closed.write('ended')));
    const { ws } = await openTunnel(url);
    const client = new SpdyPortForward({ socket: new WebSocketDuplex(ws), clock: createRealClock() });
    await client.open(80);
    ws.terminate();
    await once(closed, 'data');
  });

  it.each(['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'])(
    'serves two channels for each port with %s, beginning with the port',
    async (name) => {
      const url = await start((socket) =>
        socket.once('data', (bytes) => socket.end(`echo ${bytes.toString()}`)),
      );
      const { send, ended } = await openWebSocketCommand(`${url}/?port=80,8080`, [name]);
      send(0, 'a');
      send(2, 'b');
      const end = await ended;
      expect(end.code).toBe(1000);
      expect(end.bytes(0)).toEqual(Buffer.from('\x50\x00echo a', 'latin1'));
      expect(end.bytes(1)).toEqual(Buffer.from([80, 0]));
      expect(end.bytes(2)).toEqual(Buffer.from('\x90\x1fecho b', 'latin1'));
      expect(end.bytes(3)).toEqual(Buffer.from([0x90, 0x1f]));
      expect(seen).toEqual(['websocket-v4']);
    },
  );

  it('hands all that was sent on when the client closes with 1000', async () => {
    const received = new PassThrough({ objectMode: true });
    const url = await start((socket) => void digestOf(socket).then((digest) => received.write(digest)));
    const { ws, send } = await openWebSocketCommand(`${url}/?port=80`, ['v4.channel.k8s.io']);
    for (let index = 0; index < 100; index += 1) send(0, Buffer.alloc(50_000));
    ws.close(1000);
    expect(await once(received, 'data')).toMatchObject([{ bytes: 5_000_000 }]);
  });

  it('tells a refused port on its error channel', async () => {
    const url = await start(() => undefined);
    const { ended } = await openWebSocketCommand(`${url}/?port=81`, ['v4.channel.k8s.io']);
    expect((await ended).text(1)).toBe(
      '\x51\x00error forwarding port 81 to pod POD1, uid : connection refused',
    );
  });

  it.each([
    ['', 'query parameter "port" is required'],
    ['?port=', 'query parameter "port" cannot be empty'],
    ['?port=x', 'unable to parse "x" as a port: strconv.ParseUint: parsing "x": invalid syntax'],
    [
      '?port=65536',
      'unable to parse "65536" as a port: strconv.ParseUint: parsing "65536": value out of range',
    ],
    ['?port=80&port=0', 'port "0" must be > 0'],
    [
      `?port=${Array.from({ length: 3_000 }, (_, index) => index + 1).join()}`,
      'at most 128 ports can be forwarded over one WebSocket, got 3000',
    ],
  ])('refuses the query %s with 400', async (query, text) => {
    const url = await start(() => undefined);
    const ws = new WebSocket(`${url}/${query}`, ['v4.channel.k8s.io']);
    ws.on('error', () => undefined);
    const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
    expect(response.statusCode).toBe(400);
    expect((await readAll(response)).toString()).toBe(text);
  });
});
