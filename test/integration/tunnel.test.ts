import { createHash, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import type { ProxyServer } from '../../src/server/server.js';
import { deferred } from '../support/deferred.js';
import { echoed, readAll, sha256 } from '../support/duplex.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';

let certificates: CertificateSet;
let bench: TunnelBench;
let server: ProxyServer;

beforeAll(async () => {
  certificates = await createCertificateSet();
});

beforeEach(async () => {
  bench = await TunnelBench.create({ certificates });
  server = await bench.server();
});

afterEach(() => bench.close());

describe.each([
  ['Unix socket', false],
  ['TCP with mTLS', true],
])('a dial over %s', (_name, tcp) => {
  it('gives a byte stream to the endpoint, and its end comes back', async () => {
    await bench.connectedAgent(server);
    const port = await bench.endpoint((socket) => {
      socket.once('data', (chunk: Buffer) => socket.end(`got ${chunk.toString()}`));
    });
    const stream = await bench.client(server, { tcp }).dial(host, port);
    stream.write('hello');
    expect((await readAll(stream)).toString()).toBe('got hello');
  });

  it('carries what an endpoint says first', async () => {
    await bench.connectedAgent(server);
    const port = await bench.endpoint((socket) => socket.end('220 ready\r\n'));
    const stream = await bench.client(server, { tcp }).dial(host, port);
    expect((await readAll(stream)).toString()).toBe('220 ready\r\n');
  });

  it('fails with Go’s words when the endpoint refuses', async () => {
    await bench.connectedAgent(server);
    await expect(bench.client(server, { tcp }).dial(host, 1)).rejects.toMatchObject({
      code: 'DIAL_FAILED',
      message: `dial tcp ${host}:1: connect: connection refused`,
    });
  });

  it('fails when no agent is there', async () => {
    await expect(bench.client(server, { tcp }).dial(host, 1)).rejects.toMatchObject({
      code: 'NO_AGENT',
      message: 'No agent available',
    });
  });
});

describe('many dials', () => {
  it('started together on a new client all succeed: no call ends the connection of another', async () => {
    await bench.connectedAgent(server);
    const port = await bench.echo();
    const client = bench.client(server, { tcp: true });
    const streams = await Promise.all(Array.from({ length: 20 }, () => client.dial(host, port)));
    expect(client.openConnections).toBe(20);
    for (const stream of streams) stream.destroy();
  });

  it('100 connections over one agent keep their bytes apart', async () => {
    await bench.connectedAgent(server);
    const port = await bench.echo();
    const client = bench.client(server);
    const payloads = Array.from({ length: 100 }, (_unused, index) => randomBytes(50_000 + index * 997));
    const digests = await Promise.all(
      payloads.map(async (payload) => echoed(await client.dial(host, port), payload)),
    );
    expect(digests).toEqual(payloads.map(sha256));
  });
});

describe('bulk', () => {
  // With 4 MiB HTTP/2 windows in both directions node:http2 stops for good here; see windowBytes.
  it('of 64 MiB is echoed over one connection while it is sent', async () => {
    await bench.connectedAgent(server);
    const stream = await bench.client(server).dial(host, await bench.echo());
    const payload = randomBytes(64 << 20);
    expect(await echoed(stream, payload)).toBe(sha256(payload));
  });

  it('R20: is complete at the endpoint when the client ends after it', async () => {
    await bench.connectedAgent(server);
    const { promise, resolve } = deferred<string>();
    const port = await bench.endpoint((socket) => {
      const hash = createHash('sha256');
      socket.on('data', (chunk) => hash.update(chunk));
      socket.on('end', () => {
        socket.end();
        resolve(hash.digest('hex'));
      });
    });
    const stream = await bench.client(server).dial(host, port);
    const payload = randomBytes(8 << 20);
    stream.end(payload);
    stream.resume();
    expect(await promise).toBe(sha256(payload));
  });

  it('R20: is complete at an endpoint that read nothing yet when the connection was closed', async () => {
    await bench.connectedAgent(server);
    const read = deferred<number>();
    const sockets: Socket[] = [];
    const port = await bench.endpoint((socket) => {
      let bytes = 0;
      socket.pause();
      socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
      socket.on('end', () => {
        socket.end();
        read.resolve(bytes);
      });
      sockets.push(socket.pause());
    });
    const stream = await bench.client(server).dial(host, port);
    // More than the kernel takes, less than what would hold the stream back.
    const payload = Buffer.alloc(6 << 20);
    stream.end(payload);
    stream.resume();
    await bench.waitFor({ kind: 'endpoint.closed' });
    for (const socket of sockets) socket.resume();
    expect(await read.promise).toBe(payload.length);
  });

  it('R20: is complete at the client when the endpoint ends after it', async () => {
    await bench.connectedAgent(server);
    const payload = randomBytes(8 << 20);
    const port = await bench.endpoint((socket) => socket.end(payload));
    const stream = await bench.client(server).dial(host, port);
    expect(sha256(await readAll(stream))).toBe(sha256(payload));
  });

  it('R22: for a reader that rests is held back all the way to the endpoint', async () => {
    await bench.connectedAgent(server);
    let taken = 0;
    const chunk = Buffer.alloc(256 * 1024);
    const { promise: stuck, resolve } = deferred<void>();
    const port = await bench.endpoint((socket) => {
      const feed = (): void => {
        while (socket.write(chunk)) taken += chunk.length;
        taken += chunk.length;
        idle.refresh();
      };
      const idle = setTimeout(resolve, 500);
      socket.on('drain', feed);
      socket.on('close', () => clearTimeout(idle));
      feed();
    });
    const stream = await bench.client(server).dial(host, port);
    stream.pause();
    stream.on('readable', () => undefined);
    await stuck;
    // The 4 MiB windows of two HTTP/2 hops, kernel buffers and our own queues; an endpoint could send for ever.
    expect(taken).toBeLessThan(32 << 20);
    stream.destroy();
  });
});

describe('a client that writes more than its endpoint reads', () => {
  it('R22: is held back', async () => {
    await bench.connectedAgent(server);
    const port = await bench.endpoint((socket) => void socket.pause());
    const stream = await bench.client(server).dial(host, port);
    const chunk = Buffer.alloc(256 * 1024);
    const stuck = deferred();
    let accepted = 0;
    const idle = setTimeout(stuck.resolve, 500);
    const feed = (): void => {
      idle.refresh();
      if (accepted < 64 << 20) stream.write(chunk, feed);
      accepted += chunk.length;
    };
    feed();
    await stuck.promise;
    expect(accepted).toBeLessThan(32 << 20);
    stream.destroy();
  });
});

describe('giving up', () => {
  it('R7: aborts the agent’s connect, and the error says so', async () => {
    const { promise: aborted, resolve } = deferred<void>();
    await bench.connectedAgent(server, {
      connectEndpoint: (_host, _port, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            resolve();
            reject(new Error('aborted'));
          });
        }),
    });
    const abort = new AbortController();
    const dial = bench.client(server).dial(host, 1, { signal: abort.signal });
    await bench.waitFor({ kind: 'endpoint.dialing' });
    abort.abort();
    await expect(dial).rejects.toMatchObject({ code: 'DIAL_CANCELLED' });
    await aborted;
  });

  it('before it began rejects with the same error', async () => {
    const client = bench.client(server);
    const dial = client.dial(host, 1, { signal: AbortSignal.abort() });
    await expect(dial).rejects.toMatchObject({ name: 'TunnelError', code: 'DIAL_CANCELLED' });
    expect(client.openConnections).toBe(0);
  });

  it('is no longer possible for a client that is closed', async () => {
    const client = bench.client(server);
    await client.close();
    await expect(client.dial(host, 1)).rejects.toMatchObject({ code: 'LAB_STOPPED' });
  });

  it('by destroying the stream closes the endpoint’s socket', async () => {
    await bench.connectedAgent(server);
    const { promise: closed, resolve } = deferred<void>();
    const port = await bench.endpoint((socket) => {
      socket.on('end', () => socket.end());
      socket.on('close', () => resolve());
      socket.resume();
    });
    const stream = await bench.client(server).dial(host, port);
    stream.destroy();
    await closed;
  });
});

describe('initial metadata and metadata of agents', () => {
  it('R13: an agent is connected without a single packet sent', async () => {
    const agent = await bench.connectedAgent(server);
    expect(agent.snapshot()).toEqual({ servers: ['s1'], wantedServers: 1, endpoints: 0, draining: false });
    expect(bench.journal.events().some(({ kind }) => kind === 'packet')).toBe(false);
  });

  it.each([
    ['ipv4=1.1.1.1;host=x', 'fail to parse url encoded string: invalid semicolon separator in query'],
    ['host=%zz', 'fail to parse url encoded string: invalid URL escape "%zz"'],
  ])('R6: an agent with identifiers %s is refused with %j', async (identifiers, text) => {
    await bench.agent(server.agentAddress, { identifiers }).start();
    const { error } = await bench.waitFor({ kind: 'agent.retry' });
    expect(error).toBe(text);
    expect(server.snapshot().backends).toBe(0);
  });
});
