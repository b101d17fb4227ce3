import dns from 'node:dns';
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { connectId, dataPacket, drainPacket, type Packet } from '../../../src/core/packet.js';
import { createAuthority } from '../../../src/pki/authority.js';
import type { StreamEnd } from '../../../src/wire/carrier/packet-stream.js';
import {
  TunnelConnection,
  type TunnelConnectionOptions,
} from '../../../src/wire/carrier/tunnel-connection.js';
import { encodeToBuffer } from '../../../src/wire/codec/codec.js';
import { closedEarlyText } from '../../../src/wire/net/transport-text.js';
import { fields, frame, uint32 } from '../../support/raw-http2.js';
import { once, soon } from '../../support/waits.js';

const closes: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close();
});

interface Far {
  readonly address: string;
  readonly sessions: ServerHttp2Session[];
  readonly streams: ServerHttp2Stream[];
  /** The `:authority` of each. */
  readonly authorities: (string | undefined)[];
}

async function listening(server: Server | Http2Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closes.push(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An HTTP/2 server without gRPC. */
async function openFar(serve: (stream: ServerHttp2Stream) => void = () => undefined): Promise<Far> {
  const sessions: ServerHttp2Session[] = [];
  const streams: ServerHttp2Stream[] = [];
  const server = createServer();
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => undefined);
  });
  const authorities: (string | undefined)[] = [];
  server.on('stream', (stream, headers) => {
    streams.push(stream);
    authorities.push(headers[':authority']);
    stream.on('error', () => undefined);
    serve(stream);
  });
  const address = await listening(server);
  closes.push(() => {
    for (const session of sessions) session.destroy();
  });
  return { address, sessions, streams, authorities };
}

interface Near {
  readonly connection: TunnelConnection;
  readonly ended: Promise<StreamEnd>;
  readonly cancel: () => void;
  readonly send: (packet?: Packet) => void;
}

function connectTo(address: string, keepalive: Partial<TunnelConnectionOptions> = {}): Near {
  const connection = new TunnelConnection({ address, ...keepalive });
  closes.push(() => connection.cut());
  const { packets } = connection.open('Proxy', {});
  const ended = soon<StreamEnd>((resolve) => {
    packets.start({ packet: () => undefined, ended: resolve });
  }, 'end of the call');
  return {
    connection,
    ended,
    cancel: () => packets.cancel(),
    send: (packet = drainPacket) => packets.send(packet),
  };
}

/** A server that sends these bytes when a request came, and then nothing: no library would. */
async function answering(answer: Buffer): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    closes.push(() => socket.destroy());
    // A client sends more after its settings were acknowledged.
    socket.write(Buffer.concat([frame('settings'), frame('settings', { flags: 1 })]));
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      const before = received.includes(requestHead);
      received = Buffer.concat([received, chunk]);
      if (!before && received.includes(requestHead)) socket.write(answer);
    });
  });
  return listening(server);
}

/** The beginning of a HEADERS frame of stream 1 with `:method: POST`. */
const requestHead = Buffer.from([1, 4, 0, 0, 0, 1, 0x83]);

const acceptedFields = { ':status': '200', 'content-type': 'application/grpc' };
const acceptance = frame('headers', { flags: 4, stream: 1, body: fields(acceptedFields) });
const accepted = { ':status': 200, 'content-type': 'application/grpc' };

it('an agent knows of its acceptance before the first packet, also when both come at once', async () => {
  const packet = encodeToBuffer(drainPacket);
  const body = Buffer.concat([Buffer.from([0]), uint32(packet.length), packet]);
  const address = await answering(Buffer.concat([acceptance, frame('data', { stream: 1, body })]));
  const connection = new TunnelConnection({ address, eager: true });
  closes.push(() => connection.cut());
  const seen: string[] = [];
  const { packets } = connection.open('Connect', {}, { accepted: () => seen.push('accepted') });
  packets.start({
    packet: ({ kind }) => {
      seen.push(kind);
      return undefined;
    },
    ended: () => undefined,
  });
  await expect.poll(() => seen).toEqual(['accepted', 'DRAIN']);
});

describe('a call of a connection says why it ended:', () => {
  it('the server never ends the TLS handshake', async () => {
    const address = await listening(createTcpServer((socket) => closes.push(() => socket.destroy())));
    const { certPem: ca } = await createAuthority();
    const { ended, connection } = connectTo(address, { tls: { ca }, openingTimeoutMs: 50 });
    expect((await ended).text).toBe('context deadline exceeded');
    expect(connection.broken).toBe(true);
  });

  it('the server resets it without an error while our bytes wait', async () => {
    const answer = Buffer.concat([acceptance, frame('reset', { stream: 1, body: uint32(0) })]);
    const { ended, send } = connectTo(await answering(answer));
    // More than the first window of a stream.
    for (let sent = 0; sent < 2; sent += 1) send(dataPacket(connectId(1n), Buffer.alloc(60_000)));
    expect((await ended).text).toBe('server closed the stream without sending trailers');
  });

  it('nothing listens there', async () => {
    const server = createTcpServer();
    const address = await listening(server);
    server.close();
    await once(server, 'close');
    const { ended, connection } = connectTo(address);
    const text = `dial tcp ${address}: connect: connection refused`;
    expect(await ended).toEqual({ kind: 'lost', code: 'Unavailable', text });
    expect(connection.broken).toBe(true);
  });

  it('nothing listens at any address of its name', async () => {
    const lookup = vi.spyOn(dns, 'lookup');
    const found = [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ];
    lookup.mockImplementation(((_name: string, _options: object, told: (...result: unknown[]) => void) =>
      told(null, found)) as unknown as typeof dns.lookup);
    closes.push(() => lookup.mockRestore());
    const { ended } = connectTo('several.test:1');
    expect((await ended).text).toBe('dial tcp 127.0.0.1:1: connect: connection refused');
  });

  it('the server closes before HTTP/2', async () => {
    const address = await listening(createTcpServer((socket) => socket.destroy()));
    expect((await connectTo(address).ended).text).toBe(closedEarlyText);
  });

  it.each([
    ['resets it', (stream: ServerHttp2Stream) => stream.close(8), /RST_STREAM with error code: CANCEL$/],
    [
      'answers as a web server',
      (stream: ServerHttp2Stream) => {
        stream.respond({ ':status': 502 });
        stream.end('no');
      },
      /^unexpected HTTP status code received from server: 502 \(Bad Gateway\); malformed header: missing HTTP content-type$/,
    ],
    [
      'ends it without a status',
      (stream: ServerHttp2Stream) => stream.respond(accepted, { endStream: true }),
      /^server closed the stream without sending trailers$/,
    ],
  ])('the server %s', async (_name, serve, text) => {
    const { address } = await openFar(serve);
    expect((await connectTo(address).ended).text).toMatch(text);
  });

  it('the server ends its direction without a status, and leaves ours open', async () => {
    const body = fields(acceptedFields);
    const { ended } = connectTo(await answering(frame('headers', { flags: 5, stream: 1, body })));
    expect((await ended).text).toBe('server closed the stream without sending trailers');
  });

  it('the connection is gone', async () => {
    const far = await openFar((stream) => stream.respond(accepted));
    const { ended } = connectTo(far.address);
    await expect.poll(() => far.streams).toHaveLength(1);
    far.sessions[0]?.socket.destroySoon();
    far.sessions[0]?.destroy();
    expect((await ended).text).toMatch(/error reading from server: /);
  });

  it('the server announced its end before', async () => {
    const far = await openFar((stream) => stream.respond(accepted));
    const { ended, connection } = connectTo(far.address);
    await expect.poll(() => far.streams).toHaveLength(1);
    far.sessions[0]?.goaway(0, 1, Buffer.from('graceful_stop'));
    await expect.poll(() => connection.ready).toBe(false);
    far.sessions[0]?.destroy();
    expect((await ended).text).toMatch(
      /^closing transport due to: connection error: desc = "error reading from server: .*", received prior goaway: code: NO_ERROR, debug data: "graceful_stop"$/,
    );
  });

  it('the server ends the connection with an error, after which it is no longer used', async () => {
    const far = await openFar((stream) => stream.respond(accepted));
    const { connection, ended } = connectTo(far.address);
    await expect.poll(() => far.streams).toHaveLength(1);
    far.sessions[0]?.goaway(11, 1, Buffer.from('too_many_pings'));
    const after = ended.then(({ text }) => [text, connection.broken, connection.ready]);
    expect(await after).toEqual([expect.stringMatching(/ENHANCE_YOUR_CALM/), true, false]);
  });

  it('the server leaves a ping unanswered', async () => {
    const sockets: Socket[] = [];
    const far = await openFar((stream) => stream.respond(accepted));
    const [host, port] = far.address.split(':');
    const way = createTcpServer((front) => {
      const back = connect(Number(port), host);
      for (const socket of [front, back]) socket.on('error', () => undefined);
      sockets.push(front, back);
      back.pipe(front).pipe(back);
    });
    const address = await listening(way);
    closes.push(() => {
      for (const socket of sockets) socket.destroy();
    });
    const { connection, ended } = connectTo(address, { keepaliveTimeMs: 20, keepaliveTimeoutMs: 1000 });
    // The relay may pass the request on before the client has read the server's settings.
    await expect.poll(() => connection.ready).toBe(true);
    await expect.poll(() => far.streams).toHaveLength(1);
    const [front, back] = sockets;
    back?.unpipe(front);
    expect((await ended).text).toBe('keepalive ping failed to receive ACK within timeout');
  });
});

it('a call that was given up before there was a connection never reaches the server', async () => {
  const far = await openFar();
  const { connection, cancel, ended } = connectTo(far.address);
  cancel();
  expect((await ended).text).toBe('cancelled');
  await expect.poll(() => connection.ready).toBe(true);
  const second = connection.open('Proxy', {});
  second.packets.start({ packet: () => undefined, ended: () => undefined });
  await expect.poll(() => far.streams).toHaveLength(1);
});

it('a call that was opened before there was a connection outlives its close', async () => {
  const far = await openFar((stream) => stream.close(8));
  const { connection, ended } = connectTo(far.address);
  connection.close();
  expect((await ended).text).toMatch(/error code: CANCEL$/);
});

it.each(['::1', '[fe80::1%eth0]:8091', 'proxy:443'])('the name of a server may be %o', async (serverName) => {
  const far = await openFar((stream) => stream.close(8));
  const { ended } = connectTo(far.address, { serverName });
  expect((await ended).text).toMatch(/CANCEL$/);
  expect(far.authorities).toEqual([serverName]);
});

it('a connection to a server that says nothing is not ready', async () => {
  const sockets: Socket[] = [];
  const address = await listening(createTcpServer((socket) => void sockets.push(socket)));
  closes.push(() => sockets.forEach((socket) => socket.destroy()));
  const { connection, cancel } = connectTo(address);
  await expect.poll(() => sockets[0]?.bytesRead).toBeGreaterThan(0);
  expect([connection.ready, connection.broken]).toEqual([false, false]);
  cancel();
});

it('packets that were sent before there was a connection arrive', async () => {
  const bytes: Buffer[] = [];
  const { send } = connectTo(
    (await openFar((stream) => stream.on('data', (chunk: Buffer) => bytes.push(chunk)))).address,
  );
  send();
  await expect.poll(() => Buffer.concat(bytes).length).toBeGreaterThan(5);
});
