import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { type Duplex, Readable } from 'node:stream';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { windowBytes } from '../../src/core/receive-window.js';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import type { ProxyServer } from '../../src/server/server.js';
import type { TunnelClient } from '../../src/wire/client/tunnel-client.js';
import { deferred } from '../support/deferred.js';
import { echoed, readAll, sha256 } from '../support/duplex.js';
import { connectServer, established, RawConnect } from '../support/raw-connect.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';
import { once, until, within } from '../support/waits.js';

/** More than all queues and kernel buffers of a connection hold. */
const payload = randomBytes(24 << 20);
const stoppedOnes = 2;
const pieceBytes = 256 << 10;
const pings = 100;
/** Far above what an echo takes on a busy machine, far below the 30 s after which a stalled reader is cut. */
const lateMs = 5000;

let certificates: CertificateSet;
let bench: TunnelBench;

beforeAll(async () => {
  certificates = await createCertificateSet();
});

beforeEach(async () => {
  bench = await TunnelBench.create({ certificates });
});

afterEach(() => bench.close());

async function ends(): Promise<{ server: ProxyServer; client: TunnelClient }> {
  const server = await bench.server();
  await bench.connectedAgent(server, { as: 'ideal' });
  return { server, client: bench.client(server, { flowControl: true, readTimeoutMs: 0 }) };
}

/** Each echo comes, and none late, while the others do not move. */
async function pingPong(stream: Duplex): Promise<void> {
  for (let ping = 0; ping < pings; ping += 1) {
    const startedAt = performance.now();
    stream.write('p');
    await once(stream, 'data');
    expect(performance.now() - startedAt).toBeLessThan(lateMs);
  }
}

const several = <T>(make: () => Promise<T>): Promise<readonly T[]> =>
  Promise.all(Array.from({ length: stoppedOnes }, make));

it('R29: much goes both ways at once, as fast as it is taken', async () => {
  const { client } = await ends();
  const port = await bench.echo();
  const got = await several(async () => echoed(await client.dial(host, port), payload));
  expect(new Set(got)).toEqual(new Set([sha256(payload)]));
});

describe('R28: connections of one agent, of which some do not move', () => {
  it('because their clients do not read: the others go on, and later nothing is missing', async () => {
    const { client } = await ends();
    const port = await bench.endpoint((socket) => void socket.end(payload));
    const stopped = await several(() => client.dial(host, port));
    await until(() => stopped.every((stream) => stream.readableLength === windowBytes));
    const awake = await client.dial(host, await bench.echo());
    await pingPong(awake);
    expect(stopped.map((stream) => stream.readableLength)).toEqual(stopped.map(() => windowBytes));
    const got = await Promise.all(stopped.map(async (stream) => sha256(await readAll(stream))));
    expect(new Set(got)).toEqual(new Set([sha256(payload)]));
    await pingPong(awake);
    awake.destroy();
  });

  it('because their endpoints do not read: the others go on, and later nothing is missing', async () => {
    const { client } = await ends();
    const sockets: Socket[] = [];
    const received: Promise<Buffer>[] = [];
    const go = deferred<void>();
    const port = await bench.endpoint((socket) => {
      sockets.push(socket.pause());
      received.push(go.promise.then(() => readAll(socket)));
    });
    const stopped = await several(() => client.dial(host, port));
    let offered = 0;
    function* pieces(): Generator<Buffer> {
      for (let at = 0; at < payload.length; at += pieceBytes) {
        offered += 1;
        yield payload.subarray(at, at + pieceBytes);
      }
    }
    for (const stream of stopped) Readable.from(pieces()).pipe(stream);
    const awake = await client.dial(host, await bench.echo());
    for (let before = -1; before < offered; ) {
      before = offered;
      await pingPong(awake);
    }
    expect(offered * pieceBytes).toBeLessThan(stoppedOnes * payload.length);
    go.resolve();
    const got = (await Promise.all(received)).map(sha256);
    expect(got).toEqual(stopped.map(() => sha256(payload)));
    for (const socket of sockets) socket.end();
    awake.destroy();
  });

  it('because CONNECT clients do not read: the server gives credit for them', async () => {
    const server = await connectServer(bench);
    await bench.connectedAgent(server, { as: 'ideal' });
    const port = await bench.endpoint((socket) => void socket.end(payload));
    const [unix = ''] = server.frontendAddresses;
    const stopped = await several(async () => {
      const raw = await RawConnect.open(bench, unix);
      raw.connect(`${host}:${port}`);
      await raw.read(established.length);
      raw.socket.pause();
      return raw;
    });
    const awake = await RawConnect.open(bench, unix);
    awake.connect(`${host}:${await bench.echo()}`);
    await awake.read(established.length);
    await pingPong(awake.socket);
    const texts = await Promise.all(
      stopped.map((raw) => {
        raw.socket.resume();
        return within(raw.readToEnd(), 'the end of a download');
      }),
    );
    for (const text of texts) {
      expect(sha256(Buffer.from(text.slice(established.length), 'latin1'))).toBe(sha256(payload));
    }
  });
});
