import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import { TunnelError } from '../../../src/core/errors.js';
import { dataHead, pingFrame, resetStatus, synStreamFrame } from '../../../src/streams/spdy/frames.js';
import { encodeHeaderBlock } from '../../../src/streams/spdy/header-block.js';
import { createHeaderCompressor } from '../../../src/streams/spdy/header-compression.js';
import type { SpdyStream } from '../../../src/streams/spdy/stream.js';
import { once, soon, until } from '../../support/waits.js';
import { digestOf, patternDigest, readAll, writePattern } from './support/bytes.js';
import { queue, type SpdyPair, startSpdyPair, startSpdyServer } from './support/spdy-pair.js';

const size = 20 * 1024 * 1024;

describe('SPDY connection', () => {
  let cleanup: (() => Promise<void>) | undefined;

  async function pair(...args: Parameters<typeof startSpdyPair>): Promise<SpdyPair> {
    const started = await startSpdyPair(...args);
    cleanup = started.close;
    return started;
  }

  afterEach(async () => {
    await cleanup?.();
    cleanup = undefined;
  });

  it('carries headers with a stream and answers it', async () => {
    const { client, accepted } = await pair();
    const stream = await client.open([
      ['streamtype', 'data'],
      ['port', '8080'],
    ]);
    const incoming = await accepted();
    expect(stream.id).toBe(1);
    expect(incoming.id).toBe(1);
    expect([...incoming.headers]).toEqual([
      ['streamtype', 'data'],
      ['port', '8080'],
    ]);
  });

  it('carries 20 MiB each way at the same time, byte for byte', async () => {
    const { client, accepted } = await pair();
    const stream = await client.open([['streamtype', 'data']]);
    const incoming = await accepted();
    const [, , up, down] = await Promise.all([
      writePattern(stream, { size, seed: 1 }),
      writePattern(incoming, { size, seed: 2 }),
      digestOf(incoming),
      digestOf(stream),
    ]);
    expect(up).toEqual(await patternDigest(size, 1));
    expect(down).toEqual(await patternDigest(size, 2));
  });

  it('keeps many streams apart', async () => {
    const { client, server, accepted } = await pair();
    const seeds = Array.from({ length: 30 }, (_, index) => index);
    const transfers = seeds.map(async (seed) => {
      const stream = await client.open([['seed', String(seed)]]);
      void writePattern(stream, { size: 200_000, seed });
      expect(await digestOf(stream)).toEqual(await patternDigest(100_000, seed + 1000));
    });
    const answers = seeds.map(async () => {
      const stream = await accepted();
      const seed = Number(stream.headers.get('seed'));
      void writePattern(stream, { size: 100_000, seed: seed + 1000 });
      expect(await digestOf(stream)).toEqual(await patternDigest(200_000, seed));
    });
    await Promise.all([...transfers, ...answers]);
    expect(server.streamCount).toBe(0);
    expect(client.streamCount).toBe(0);
  });

  it('half-closes: what is sent after the peer’s FIN still arrives', async () => {
    const { client, accepted } = await pair();
    const stream = await client.open([['streamtype', 'data']]);
    const incoming = await accepted();
    stream.end('question');
    expect((await readAll(incoming)).toString()).toBe('question');
    incoming.end('answer');
    expect((await readAll(stream)).toString()).toBe('answer');
  });

  it('sends nothing more of a stream that was reset while its bytes waited', async () => {
    const { client, accepted, serverSocket } = await pair();
    const [dead, alive] = [
      await client.open([['streamtype', 'a']]),
      await client.open([['streamtype', 'b']]),
    ];
    const [incomingDead, incomingAlive] = [await accepted(), await accepted()];
    const filling = 32 * 1024 * 1024;
    // It fills the socket, so that the second payload waits for its turn.
    incomingDead.write(Buffer.alloc(filling));
    incomingDead.write(Buffer.alloc(8 * 1024 * 1024));
    dead.destroy();
    incomingAlive.end('still here');
    expect((await readAll(alive)).toString()).toBe('still here');
    expect(serverSocket.bytesWritten).toBeLessThan(filling + 1024 * 1024);
  });

  it('gives streams their turns: one that has much to send does not fill the socket before another', async () => {
    const { client, accepted, serverSocket } = await pair();
    const streams = await Promise.all(['a', 'b', 'c'].map((name) => client.open([['streamtype', name]])));
    for (const stream of streams) stream.resume();
    const incoming = [await accepted(), await accepted(), await accepted()];
    const most = { bytes: 0 };
    const write = serverSocket.write.bind(serverSocket) as (...args: unknown[]) => boolean;
    serverSocket.write = (...args: unknown[]): boolean => {
      const result = write(...args);
      most.bytes = Math.max(most.bytes, serverSocket.writableLength);
      return result;
    };
    const piece = Buffer.alloc(64 * 1024);
    await Promise.all(
      incoming.map(async (stream) => {
        for (let sent = 0; sent < 64; sent += 1) {
          if (!stream.write(piece)) await once(stream, 'drain');
        }
      }),
    );
    // The room of the socket and the one payload that went over it, whatever the number of streams.
    expect(most.bytes).toBeLessThan(serverSocket.writableHighWaterMark + piece.length + 1024);
  });

  it('stops the peer while a reader is full, and loses nothing', async () => {
    const { client, accepted, clientSocket, serverSocket } = await pair();
    const stream = await client.open([['streamtype', 'data']]);
    const incoming = await accepted();
    const writing = writePattern(stream, { size, seed: 3 });
    await until(() => serverSocket.isPaused() && incoming.readableLength > 0);
    for (let turns = 0; turns < 300; turns += 1) await turn();
    expect(incoming.readableLength).toBeLessThan(1024 * 1024);
    expect(clientSocket.writableLength).toBeLessThan(1024 * 1024);
    expect(serverSocket.bytesRead).toBeLessThan(size / 2);
    expect(await digestOf(incoming)).toEqual(await patternDigest(size, 3));
    await writing;
  });

  it('tells a reset to both directions of the stream and to no other stream', async () => {
    const { client, accepted } = await pair();
    const first = await client.open([['streamtype', 'a']]);
    const second = await client.open([['streamtype', 'b']]);
    const [incomingFirst, incomingSecond] = [await accepted(), await accepted()];
    const lost = soon((resolve) => first.once('close', () => resolve(first.errored)), 'end of the stream');
    incomingFirst.reset(resetStatus.cancel);
    expect(await lost).toMatchObject({ code: 'TUNNEL_CLOSED', message: 'Stream reset' });
    second.end('still here');
    expect((await readAll(incomingSecond)).toString()).toBe('still here');
  });

  it('rejects the opening of a stream that the peer resets', async () => {
    const { client } = await pair({
      server: { onStream: (stream) => stream.reset(resetStatus.refusedStream) },
    });
    await expect(client.open([['streamtype', 'x']])).rejects.toThrow('Stream reset');
  });

  it('rejects the opening of a stream without an answer, with client-go’s text', async () => {
    const clock = new ManualClock();
    const { client } = await pair({ client: { clock }, server: { onStream: () => undefined } });
    const opening = client.open([['streamtype', 'x']]);
    clock.advance(30_000);
    await expect(opening).rejects.toThrow('Timeout occurred');
  });

  it('refuses streams beyond its limit and goes on', async () => {
    const { client, accepted } = await pair({ server: { limits: { maxStreams: 1 } } });
    const first = await client.open([['streamtype', 'a']]);
    await expect(client.open([['streamtype', 'b']])).rejects.toThrow('Stream reset');
    first.end('fine');
    expect((await readAll(await accepted())).toString()).toBe('fine');
  });

  it('gives a reader what came before the cut, then the error', async () => {
    const { client, accepted, serverSocket } = await pair();
    const stream = await client.open([['streamtype', 'data']]);
    const incoming = await accepted();
    incoming.write('half an answer');
    await once(stream, 'readable');
    serverSocket.destroy();
    expect((await client.ended)?.message).toBe('unexpected EOF');
    const read = readAll(stream);
    await expect(read).rejects.toThrow(TunnelError);
    expect(stream.cut).toBe(true);
  });

  it('delivers all frames that came together with the end of the socket', async () => {
    const { client, server, accepted } = await pair();
    const opening = client.open([['streamtype', 'data']]);
    const incoming = await accepted();
    incoming.end('all of it');
    await once(incoming, 'finish');
    await server.close();
    expect((await readAll(await opening)).toString()).toBe('all of it');
  });

  it('says GOAWAY behind the last byte and closes the socket', async () => {
    const { client, server, accepted, serverSocket, clientSocket } = await pair();
    const stream = await client.open([['streamtype', 'data']]);
    const reading = readAll(await accepted());
    stream.end(Buffer.alloc(1_000_000));
    await once(stream, 'finish');
    await client.close();
    expect(await reading).toHaveLength(1_000_000);
    expect(await client.ended).toBeUndefined();
    await server.ended;
    expect(clientSocket.destroyed && serverSocket.destroyed).toBe(true);
    await expect(client.open([['streamtype', 'late']])).rejects.toThrow('the SPDY connection is closed');
  });

  it('pings at its interval and counts echoes as no traffic of the peer’s', async () => {
    const clock = new ManualClock();
    const { clientSocket, serverSocket, client } = await pair({ client: { clock, pingIntervalMs: 5_000 } });
    await client.open([['streamtype', 'data']]);
    const before = serverSocket.bytesRead;
    clock.advance(10_000);
    const echoes = serverSocket.bytesWritten + 24;
    await until(() => serverSocket.bytesRead >= before + 24 && clientSocket.bytesRead >= echoes);
    expect(serverSocket.bytesRead).toBe(before + 24);
  });

  it('closes after its idle time, which every frame restarts', async () => {
    const clock = new ManualClock();
    const { client, accepted, server } = await pair({ server: { clock, idleTimeoutMs: 1_000 } });
    const stream = await client.open([['streamtype', 'data']]);
    const incoming = await accepted();
    clock.advance(900);
    stream.write('x');
    await once(incoming, 'data');
    clock.advance(900);
    expect(server.streamCount).toBe(1);
    clock.advance(200);
    expect((await server.ended)?.message).toBe('the SPDY connection was idle for 1000 ms');
  });
});

describe('SPDY server against a bare socket', () => {
  it('writes nothing before the client’s first frame, then echoes odd PINGs and no even ones', async () => {
    const { server, peer, close } = await startSpdyServer();
    void server;
    await turn();
    expect(peer.bytesRead).toBe(0);
    peer.write(Buffer.concat([pingFrame(2), pingFrame(7)]));
    const [echo] = (await once(peer, 'data')) as [Buffer];
    expect(echo.equals(pingFrame(7))).toBe(true);
    await close();
  });

  it('closes without a byte when no frame has come', async () => {
    const { server, peer, close } = await startSpdyServer();
    const read = readAll(peer);
    void server.close();
    expect(await read).toHaveLength(0);
    await close();
  });

  it.each([
    ['text', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), /is not 3|stream 0|DATA|unknown|limit|EOF/],
    [
      'an unknown control frame',
      Buffer.from('8003002a00000000', 'hex'),
      /unknown SPDY control frame type 42/,
    ],
    ['another version', Buffer.from('8002000100000000', 'hex'), /SPDY version 2 is not 3/],
    ['a control frame without end', Buffer.from('8003000100ffffff', 'hex'), /over the limit of 65536/],
    [
      'a header block that is no zlib',
      Buffer.from('800300010000000e0000000100000000000001020304', 'hex'),
      /header/,
    ],
    ['a short PING', Buffer.from('8003000600000002aaaa', 'hex'), /too short/],
    ['DATA on stream 0', Buffer.concat([dataHead(0, 1, false), Buffer.of(1)]), /stream 0/],
  ])('answers %s with one clear error and the end of that connection', async (_name, bytes, message) => {
    const { server, peer, close } = await startSpdyServer();
    peer.resume();
    peer.end(bytes);
    expect((await server.ended)?.message).toMatch(message);
    await once(peer, 'close');
    await close();
  });

  it('takes the first frame together with the upgrade request, before and after the border', async () => {
    const { peer, close } = await startSpdyServer({ head: pingFrame(1).subarray(0, 5) });
    peer.write(pingFrame(1).subarray(5));
    const [echo] = (await once(peer, 'data')) as [Buffer];
    expect(echo.equals(pingFrame(1))).toBe(true);
    await close();
  });

  describe('with a stream that is not read', () => {
    const most = Buffer.alloc(100_000, 'x');
    const rest = Buffer.alloc(40_000, 'y');

    /** A server whose stream 1 is filled by the next `rest`. */
    async function startFull() {
      const streams = queue<SpdyStream>();
      const started = await startSpdyServer({ onStream: streams.add });
      const compressor = createHeaderCompressor(1024);
      const block = await compressor.run(encodeHeaderBlock([['streamtype', 'data']]));
      compressor.close();
      started.peer.write(Buffer.concat([synStreamFrame(1, block), dataHead(1, most.length, false), most]));
      const stream = await streams.next();
      await until(() => stream.readableLength >= most.length);
      return { ...started, stream };
    }

    it('goes on when the stream is over: nothing more can come for it', async () => {
      const { peer, stream, close } = await startFull();
      peer.write(Buffer.concat([dataHead(1, rest.length, true), rest, pingFrame(1)]));
      const [echo] = (await once(peer, 'data')) as [Buffer];
      expect(echo.equals(pingFrame(1))).toBe(true);
      expect(await readAll(stream)).toHaveLength(most.length + rest.length);
      await close();
    });

    it('waits with everything behind it, then goes on where it was', async () => {
      const { peer, stream, server, close } = await startFull();
      peer.write(Buffer.concat([dataHead(1, rest.length, false), rest, dataHead(1, 0, true), pingFrame(1)]));
      await until(() => stream.readableLength >= most.length + rest.length);
      expect(stream.remoteEnded).toBe(false);
      const echo = once(peer, 'data');
      expect(await readAll(stream)).toHaveLength(most.length + rest.length);
      expect(((await echo) as [Buffer])[0].equals(pingFrame(1))).toBe(true);
      expect(server.streamCount).toBe(1);
      await close();
    });

    it('notices a client that leaves, and keeps the last bytes for the reader', async () => {
      const { peer, stream, server, close } = await startFull();
      peer.end(
        Buffer.concat([dataHead(1, rest.length, false), rest, dataHead(1, 4, false), Buffer.from('tail')]),
      );
      expect((await server.ended)?.message).toBe('unexpected EOF');
      let last = '';
      stream.on('data', (part: Buffer) => {
        last = part.toString();
      });
      await soon((resolve) => stream.once('close', resolve), 'end of the stream');
      expect(last).toBe('tail');
      expect(stream.errored?.message).toBe('unexpected EOF');
      await close();
    });
  });

  it('ignores DATA for a stream that it does not know', async () => {
    const { peer, close } = await startSpdyServer();
    peer.write(Buffer.concat([dataHead(9, 3, false), Buffer.from('abc'), pingFrame(1)]));
    const [echo] = (await once(peer, 'data')) as [Buffer];
    expect(echo.equals(pingFrame(1))).toBe(true);
    await close();
  });

  it('drops a peer that asks for answers without reading them', async () => {
    const limits = { maxControlBacklogBytes: 16 * 1024 };
    const { server, peer, close } = await startSpdyServer({ limits });
    peer.pause();
    const flood = Buffer.concat(Array.from({ length: 20_000 }, () => pingFrame(1)));
    const writing = (): void => void (peer.writable && peer.write(flood, () => writing()));
    writing();
    expect((await server.ended)?.message).toBe('the SPDY peer asks for answers but does not read them');
    await close();
  });
});
