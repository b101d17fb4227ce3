import { afterEach, describe, expect, it } from 'vitest';
import { createRealClock, ManualClock } from '../../../src/core/clock.js';
import { SpdyPortForward } from '../../../src/streams/port-forward-client.js';
import { servePortForward } from '../../../src/streams/port-forward-server.js';
import { serveRemoteCommand } from '../../../src/streams/remote-command-server.js';
import { SpdyConnection } from '../../../src/streams/spdy/connection.js';
import type { RemoteCommandResult, RemoteCommandStreams } from '../../../src/streams/types.js';
import { WebSocketDuplex } from '../../../src/streams/websocket-duplex.js';
import { once, soon } from '../../support/waits.js';
import { allStreams, openWebSocketCommand } from './support/command-client.js';
import { openTunnel } from './support/tunnel-client.js';
import {
  dial,
  startTcpServer,
  startUpgradeServer,
  type TestServer,
  upgradeToSpdy,
} from './support/upgrade-server.js';

const creationMs = 30_000;
const idleMs = 4 * 3_600_000;
const protocols = ['portforward.k8s.io'];
const real = createRealClock();

/** A server whose time only moves when a test moves it, by the defaults of a kubelet. */
class Server {
  readonly clock = new ManualClock();
  readonly failures: string[] = [];
  readonly servers: TestServer[] = [];
  started = 0;
  private tell: (message: string) => void = () => undefined;
  readonly failure = soon<string>((resolve) => {
    this.tell = resolve;
  }, 'failure');

  /** Runs until its client is gone. */
  async command(operation: 'exec' | 'attach'): Promise<number> {
    const run = async ({ signal, stdin }: RemoteCommandStreams): Promise<RemoteCommandResult> => {
      this.started++;
      stdin?.resume();
      if (!signal.aborted) await once(signal, 'abort');
      return { kind: 'error', message: 'gone' };
    };
    return this.listen(
      await startUpgradeServer((upgrade) =>
        serveRemoteCommand(upgrade, allStreams, run, { ...this.context, operation }),
      ),
    );
  }

  /** Forwards to an echo. */
  async ports(): Promise<number> {
    const echo = await startTcpServer((socket) => socket.pipe(socket));
    this.servers.push(echo);
    const connect = async () => {
      this.started++;
      return dial(echo.port);
    };
    return this.listen(
      await startUpgradeServer((upgrade) =>
        servePortForward(upgrade, connect, { ...this.context, podId: 'POD1' }),
      ),
    );
  }

  /** Moves time to a moment before a limit, and then over it. */
  async pass(limitMs: number, before: () => void): Promise<void> {
    this.clock.advance(limitMs - 1);
    await new Promise(setImmediate);
    before();
    this.clock.advance(2);
  }

  private get context() {
    const onFailure = (error: Error): void => {
      this.failures.push(error.message);
      this.tell(error.message);
    };
    return { clock: this.clock, onFailure };
  }

  private listen(server: TestServer): number {
    this.servers.push(server);
    return server.port;
  }
}

let server = new Server();
afterEach(async () => {
  await Promise.all(server.servers.map((each) => each.close()));
  server = new Server();
});

/** A SPDY client that can be told to open what it likes. */
async function spdy(port: number, names?: readonly string[]): Promise<SpdyConnection> {
  const { socket, head } = await upgradeToSpdy(port, names === undefined ? {} : { protocols: names });
  return new SpdyConnection({ role: 'client', socket, head, clock: real });
}

/** Whether a promise has settled by now. */
function watch(promise: Promise<unknown>): () => boolean {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  return () => settled;
}

describe('a client that opens too few streams', () => {
  it.each(['exec', 'attach'] as const)(
    'loses its %s over SPDY after 30 s, without a word',
    async (operation) => {
      const connection = await spdy(await server.command(operation));
      const error = await connection.open([['streamtype', 'error']]);
      let text = '';
      error.on('data', (bytes: Buffer) => {
        text += bytes.toString();
      });
      await connection.open([['streamtype', 'stdout']]);
      const isOver = watch(connection.ended);
      await server.pass(creationMs, () => expect(isOver()).toBe(false));
      await connection.ended;
      expect([text, server.started]).toEqual(['', 0]);
      expect(server.failures).toEqual(['timed out waiting for client to create streams']);
    },
  );

  it('gets 30 s for all streams of a command, not for each', async () => {
    const connection = await spdy(await server.command('exec'));
    await connection.open([['streamtype', 'error']]);
    server.clock.advance(creationMs - 1);
    await connection.open([['streamtype', 'stdin']]);
    server.clock.advance(2);
    await connection.ended;
    expect(server.started).toBe(0);
  });

  it.each(['SPDY', 'SPDY in a WebSocket'])(
    'is told on the error stream of its port-forward over %s, and can go on with other pairs',
    async (wire) => {
      const port = await server.ports();
      const connection =
        wire === 'SPDY'
          ? await spdy(port, protocols)
          : new SpdyConnection({
              role: 'client',
              socket: new WebSocketDuplex((await openTunnel(`ws://127.0.0.1:${port}/`)).ws),
              clock: real,
            });
      const headers = (streamtype: string, requestid: string): [string, string][] =>
        Object.entries({ streamtype, port: '80', requestid });
      const error = await connection.open(headers('error', '7'));
      let text = '';
      error.on('data', (bytes: Buffer) => {
        text += bytes.toString();
      });
      const ended = once(error, 'end');
      await server.pass(creationMs, () => expect(text).toBe(''));
      await ended;
      expect(text).toBe('(conn=POD1, request=7) timed out waiting for streams');
      expect(server.failures).toEqual([text]);
      const other = await connection.open(headers('error', '8'));
      other.resume();
      const data = await connection.open(headers('data', '8'));
      data.write('hi');
      expect(String((await once(data, 'data'))[0])).toBe('hi');
      connection.destroy();
    },
  );

  it('has its lone data stream reset, for there is nowhere to say why', async () => {
    const connection = await spdy(await server.ports(), protocols);
    const data = await connection.open(Object.entries({ streamtype: 'data', port: '80', requestid: '1' }));
    const reset = soon<Error>((resolve) => data.once('error', resolve), 'reset');
    server.clock.advance(creationMs + 1);
    expect((await reset).message).toBe('Stream reset');
    expect(server.started).toBe(0);
    connection.destroy();
  });
});

describe('a stream connection on which nothing passes', () => {
  it.each(['exec', 'attach'] as const)('is closed after 4 h: %s over SPDY', async (operation) => {
    const connection = await spdy(await server.command(operation));
    for (const type of ['error', 'stdin', 'stdout', 'stderr']) {
      const stream = await connection.open([['streamtype', type]]);
      stream.on('error', () => undefined);
      stream.resume();
    }
    await expect.poll(() => server.started).toBe(1);
    const isOver = watch(connection.ended);
    await server.pass(idleMs, () => expect(isOver()).toBe(false));
    await connection.ended;
  });

  it.each(['exec', 'attach'] as const)('is closed after 4 h: %s over WebSocket', async (operation) => {
    const port = await server.command(operation);
    const { ended, ws } = await openWebSocketCommand(`ws://127.0.0.1:${port}/`, ['v5.channel.k8s.io']);
    await expect.poll(() => server.started).toBe(1);
    await server.pass(idleMs, () => expect(ws.readyState).toBe(ws.OPEN));
    const end = await ended;
    // No status and no close frame: a cut.
    expect([end.code, end.text(3)]).toEqual([1006, '']);
  });

  it('is closed after 4 h: port-forward over SPDY', async () => {
    const { socket, head } = await upgradeToSpdy(await server.ports(), { protocols });
    const forward = new SpdyPortForward({ socket, head, clock: real });
    const { data, failure } = await forward.open(80);
    data.on('error', () => undefined);
    data.write('hi');
    await once(data, 'data');
    const isOver = watch(forward.ended);
    await server.pass(idleMs, () => expect(isOver()).toBe(false));
    await forward.ended;
    expect(await failure).toBeUndefined();
  });

  it('is closed after 4 h: port-forward over SPDY in a WebSocket', async () => {
    const { ws } = await openTunnel(`ws://127.0.0.1:${await server.ports()}/`);
    const forward = new SpdyPortForward({ socket: new WebSocketDuplex(ws), clock: real });
    const { data } = await forward.open(80);
    data.on('error', () => undefined);
    data.write('hi');
    await once(data, 'data');
    const isOver = watch(forward.ended);
    await server.pass(idleMs, () => expect(isOver()).toBe(false));
    await forward.ended;
  });

  it('is closed after 4 h: port-forward over the channels of a WebSocket', async () => {
    const port = await server.ports();
    const { ended, ws } = await openWebSocketCommand(`ws://127.0.0.1:${port}/?port=80`, [
      'v4.channel.k8s.io',
    ]);
    await expect.poll(() => server.started).toBe(1);
    await server.pass(idleMs, () => expect(ws.readyState).toBe(ws.OPEN));
    expect((await ended).code).toBe(1006);
  });

  it('stays as long as something passes, a PING included', async () => {
    const connection = await spdy(await server.command('exec'));
    for (const type of ['error', 'stdin', 'stdout', 'stderr']) {
      const stream = await connection.open([['streamtype', type]]);
      stream.on('error', () => undefined);
    }
    await expect.poll(() => server.started).toBe(1);
    const isOver = watch(connection.ended);
    const port = server.servers[0]?.port ?? 0;
    const { ws } = await openWebSocketCommand(`ws://127.0.0.1:${port}/`, ['v5.channel.k8s.io']);
    await expect.poll(() => server.started).toBe(2);
    for (let round = 0; round < 3; round++) {
      server.clock.advance(idleMs - 1000);
      const pong = once(ws, 'pong');
      ws.ping();
      await pong;
      const probe = await connection.open([['streamtype', 'unheard-of']]).catch(() => 'refused');
      expect(probe).toBe('refused');
    }
    expect([isOver(), ws.readyState]).toEqual([false, ws.OPEN]);
    ws.terminate();
    connection.destroy();
  });
});
