import { createServer, type ServerHttp2Stream } from 'node:http2';
import { join } from 'node:path';
import { afterEach, it } from 'vitest';
import { createRealClock } from '../../../src/core/clock.js';
import { connectId, dataPacket, dialSuccess, type Packet } from '../../../src/core/packet.js';
import { createRandom } from '../../../src/core/random.js';
import { TunnelClient } from '../../../src/wire/client/tunnel-client.js';
import { MessageReader } from '../../../src/wire/codec/message-reader.js';
import { PacketBatch } from '../../../src/wire/codec/packet-batch.js';
import { scratchFolder } from '../../support/konnsim.js';
import { once, soon } from '../../support/waits.js';

const closes: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close();
});

const mebibyte = 1024 * 1024;

function framed(packets: readonly Packet[]): Buffer {
  const batch = new PacketBatch();
  for (const packet of packets) batch.add(packet);
  return Buffer.concat(batch.slices);
}

/** A proxy-server with wide windows. It sends `bytes` at once after each dial, and counts what comes. */
async function openServer(bytes: number, enough: (stream: ServerHttp2Stream) => void): Promise<string> {
  const folder = await scratchFolder();
  closes.push(() => folder.remove());
  const server = createServer({ settings: { initialWindowSize: 16 * mebibyte } });
  server.on('session', (session) => {
    session.on('error', () => undefined);
    session.setLocalWindowSize(16 * mebibyte);
    closes.push(() => session.destroy());
  });
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
    let received = 0;
    const reader = new MessageReader((packet) => {
      if (packet.kind !== 'DIAL_REQ') return;
      const connection = connectId(1n);
      const parts = Array.from({ length: bytes / 32_768 }, () =>
        dataPacket(connection, Buffer.alloc(32_768)),
      );
      stream.write(framed([dialSuccess(packet.dialId, connection), ...parts]));
    });
    stream.on('data', (chunk: Buffer) => {
      received += chunk.length;
      reader.feed(chunk);
      if (received >= bytes) enough(stream);
    });
  });
  const path = join(folder.path, 'server.sock');
  server.listen(path);
  await once(server, 'listening');
  closes.push(() => server.close());
  return `unix://${path}`;
}

it('a client whose dials share a connection reads while the server does not', async () => {
  const bytes = 3 * mebibyte;
  let arrived: () => void = () => undefined;
  const all = soon<void>((resolve) => {
    arrived = resolve;
  }, 'all bytes at the server');
  const client = new TunnelClient({
    address: await openServer(bytes, () => arrived()),
    clock: createRealClock(),
    random: createRandom(1),
    emit: () => undefined,
    name: 'client/test',
    serverName: 'server/test',
  });
  closes.push(() => client.close());
  const stream = await client.dial('10.0.1.11', 10250);
  stream.on('error', () => undefined);
  let got = 0;
  const back = soon<void>((resolve) => {
    stream.on('data', (data: Buffer) => {
      got += data.length;
      if (got >= bytes) resolve();
    });
  }, 'all bytes at the client');
  stream.write(Buffer.alloc(bytes));
  await Promise.all([all, back]);
});
