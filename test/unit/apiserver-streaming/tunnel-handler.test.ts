import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { createRealClock, ManualClock } from '../../../src/core/clock.js';
import { SpdyPortForward } from '../../../src/streams/port-forward-client.js';
import { servePortForward } from '../../../src/streams/port-forward-server.js';
import { headerList } from '../../../src/streams/protocol-names.js';
import { WebSocketDuplex } from '../../../src/streams/websocket-duplex.js';
import { once } from '../../support/waits.js';
import { digestOf, patternDigest, readAll, writePattern } from '../streams/support/bytes.js';
import { openTunnel, tunnelProtocol } from '../streams/support/tunnel-client.js';
import {
  dial,
  startTcpServer,
  startUpgradeServer,
  type TestServer,
} from '../streams/support/upgrade-server.js';
import { type FacadeOptions, startFacade, type TestFacade } from './support/facade.js';

const size = 20 * 1024 * 1024;

describe('tunnelling handler', () => {
  const open: { close(): Promise<void> }[] = [];
  const asked: IncomingMessage[] = [];

  /** A kubelet whose pods send and expect the pattern. */
  async function startKubelet(received: PassThrough): Promise<TestServer> {
    const pod = await startTcpServer((socket) => {
      void digestOf(socket).then(
        (digest) => received.write(digest),
        () => undefined,
      );
      void writePattern(socket, { size, seed: 2 }).catch(() => undefined);
      socket.once('close', () => received.write('closed'));
    });
    const kubelet = await startUpgradeServer((upgrade) => {
      asked.push(upgrade.request);
      servePortForward(upgrade, () => dial(pod.port), { clock: new ManualClock(), podId: 'POD1' });
    });
    open.push(pod, kubelet);
    return kubelet;
  }

  async function facade(
    kubelet: FacadeOptions['kubelet'],
    overrides: FacadeOptions['overrides'] = {},
  ): Promise<TestFacade> {
    const started = await startFacade({
      subresource: 'portforward',
      path: '/portForward/default/pod',
      kubelet,
      overrides,
    });
    open.push(started);
    return started;
  }

  /** The answer to a tunnel request that is refused. */
  async function refusal(front: TestFacade, offer: string): Promise<IncomingMessage> {
    const ws = new WebSocket(`ws://127.0.0.1:${front.port}/`, {
      headers: { 'Sec-WebSocket-Protocol': offer },
    });
    ws.on('error', () => undefined);
    const [, response] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
    return response;
  }

  afterEach(async () => {
    await Promise.all(open.map((each) => each.close()));
    open.length = 0;
    asked.length = 0;
  });

  it('turns messages into a SPDY connection to the kubelet, 20 MiB each way', {
    timeout: 60_000,
  }, async () => {
    const received = new PassThrough({ objectMode: true });
    const front = await facade((await startKubelet(received)).port);
    const { ws, protocol } = await openTunnel(`ws://127.0.0.1:${front.port}/`);
    expect(protocol).toBe(tunnelProtocol);
    expect([asked[0]?.method, asked[0]?.url, asked[0]?.headers.upgrade]).toEqual([
      'POST',
      '/portForward/default/pod',
      'SPDY/3.1',
    ]);
    expect(asked[0] && headerList(asked[0], 'X-Stream-Protocol-Version')).toEqual(['portforward.k8s.io']);
    const client = new SpdyPortForward({ socket: new WebSocketDuplex(ws), clock: createRealClock() });
    const { data } = await client.open(80);
    void writePattern(data, { size, seed: 1 });
    expect(await digestOf(data)).toEqual(await patternDigest(size, 2));
    expect(await once(received, 'data')).toEqual([await patternDigest(size, 1)]);
    await client.close();
    expect(await front.outcome()).toEqual({ protocol: 'websocket-tunnel', status: 101 });
  });

  it('drops the WebSocket when the kubelet is cut off', async () => {
    const front = await facade((await startKubelet(new PassThrough({ objectMode: true }))).port);
    const { ws } = await openTunnel(`ws://127.0.0.1:${front.port}/`);
    (await front.kubeletSocket()).destroy();
    const [code] = (await once(ws, 'close')) as [number];
    expect(code).toBe(1006);
    const error = 'the connection to the kubelet was cut';
    expect(await front.outcome()).toEqual({ protocol: 'websocket-tunnel', status: 101, error });
  });

  it('ends at the client’s next message when kube-apiserver’s way is asked for', async () => {
    const kubelet = await startKubelet(new PassThrough({ objectMode: true }));
    const front = await facade(kubelet.port, { faithful: new Set(['forward-end-waits']) });
    const { ws } = await openTunnel(`ws://127.0.0.1:${front.port}/`);
    const socket = await front.kubeletSocket();
    const gone = once(socket, 'close');
    socket.destroy();
    await gone;
    await new Promise((resolve) => setImmediate(resolve));
    expect(ws.readyState).toBe(WebSocket.OPEN);
    const closed = once(ws, 'close');
    ws.send('a ping, or what a new connection sends');
    expect((await closed)[0]).toBe(1000);
  });

  it('ends the kubelet’s side when the client leaves without a close frame', async () => {
    const front = await facade((await startKubelet(new PassThrough({ objectMode: true }))).port);
    const { ws } = await openTunnel(`ws://127.0.0.1:${front.port}/`);
    const socket = await front.kubeletSocket();
    const closed = once(socket, 'close');
    ws.terminate();
    await closed;
    expect(await front.outcome()).toEqual({ protocol: 'websocket-tunnel', status: 101 });
  });

  it('answers a failed dial with a 500 Status, before any WebSocket', async () => {
    const response = await refusal(await facade(new Error('No agent available')), tunnelProtocol);
    expect(response.statusCode).toBe(500);
    expect(JSON.parse((await readAll(response)).toString())).toMatchObject({
      kind: 'Status',
      message: 'error dialing backend: No agent available',
    });
  });

  it('replays the kubelet’s refusal', async () => {
    const front = await facade((await startKubelet(new PassThrough({ objectMode: true }))).port);
    const response = await refusal(front, 'SPDY/3.1+nonsense.k8s.io');
    expect(response.statusCode).toBe(403);
    expect((await readAll(response)).toString()).toMatch('client supports [nonsense.k8s.io]');
  });

  it('refuses a handshake that is none, and lets the kubelet go', async () => {
    const front = await facade((await startKubelet(new PassThrough({ objectMode: true }))).port);
    const client = await dial(front.port);
    client.write(
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        `Sec-WebSocket-Protocol: ${tunnelProtocol}\r\n\r\n`,
    );
    expect((await readAll(client)).toString()).toMatch(/^HTTP\/1\.1 400 Bad Request/);
    client.destroy();
    expect(await front.outcome()).toMatchObject({ error: 'the WebSocket handshake failed' });
    const socket = await front.kubeletSocket();
    expect(socket.destroyed).toBe(true);
  });
});
