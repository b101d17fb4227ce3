import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ConnectEndpoint } from '../../src/agent/options.js';
import { TunnelError } from '../../src/core/errors.js';
import type { EventBody } from '../../src/core/events.js';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import type { ProxyServer } from '../../src/server/server.js';
import { echoed } from '../support/duplex.js';
import { connectClient, connectServer, established, RawConnect } from '../support/raw-connect.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';
import { once } from '../support/waits.js';

let certificates: CertificateSet;
let bench: TunnelBench;
let server: ProxyServer;

beforeAll(async () => {
  certificates = await createCertificateSet();
});

beforeEach(async () => {
  bench = await TunnelBench.create({ certificates });
  server = await connectServer(bench);
});

afterEach(() => bench.close());

const silence: ConnectEndpoint = (_host, _port, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new TunnelError('DIAL_CANCELLED', 'given up')));
  });

/** A proxy on a Unix socket that does what the test says; resolves with its path. */
async function fakeProxy(serve: (socket: Socket) => void): Promise<string> {
  const path = join(bench.folder, 'fake.sock');
  const proxy = createServer((socket) => {
    socket.on('error', () => undefined);
    bench.onClose(async () => void socket.destroy());
    serve(socket);
  });
  await once(proxy.listen(path), 'listening');
  bench.onClose(async () => void proxy.close());
  return path;
}

describe.each([
  ['a Unix socket', false],
  ['TCP with mTLS', true],
])('a dial by HTTP CONNECT over %s', (_name, tcp) => {
  it('gives a byte stream, and tells when it began and ended', async () => {
    await bench.connectedAgent(server);
    const port = await bench.echo();
    const told: EventBody[] = [];
    const client = connectClient(bench, server, { tcp, emit: (event) => told.push(event) });
    const stream = await client.dial(host, port, { request: 'r1' });
    stream.write('ping');
    expect(String(await once(stream, 'data'))).toBe('ping');
    expect(client.openConnections).toBe(1);
    stream.end();
    await once(stream, 'close');
    expect(told).toMatchObject(
      ['dial.started', 'dial.established', 'connection.closed'].map((kind) => ({
        ...{ kind, request: 'r1', node: 'client/test', address: `${host}:${port}` },
      })),
    );
    expect(client.openConnections).toBe(0);
  });

  it('carries 64 MiB both ways at once, byte for byte', async () => {
    await bench.connectedAgent(server);
    const payload = randomBytes(64 * 1024 * 1024);
    const stream = await connectClient(bench, server, { tcp }).dial(host, await bench.echo());
    expect(await echoed(stream, payload)).toBe(createHash('sha256').update(payload).digest('hex'));
  });

  it('fails with kube-apiserver’s texts', async () => {
    const client = connectClient(bench, server, { tcp });
    const proxy = server.frontendAddresses[tcp ? 1 : 0]?.replace('unix://', '');
    await expect(client.dial('10.0.0.9', 1)).rejects.toMatchObject({
      code: 'NO_AGENT',
      message: `proxy error from ${proxy} while dialing 10.0.0.9:1, code 500: 500 Internal Server Error`,
    });
    await bench.connectedAgent(server);
    await expect(client.dial(host, 1)).rejects.toMatchObject({
      code: 'DIAL_FAILED',
      message: `proxy error from ${proxy} while dialing ${host}:1, code 502: 502 Bad Gateway`,
    });
    const late: ConnectEndpoint = () =>
      Promise.reject(new TunnelError('DIAL_FAILED', 'dial tcp: i/o timeout'));
    await bench.connectedAgent(server, { connectEndpoint: late, identifiers: 'host=late' });
    await expect(client.dial('late', 1)).rejects.toMatchObject({
      code: 'DIAL_TIMEOUT',
      message: `proxy error from ${proxy} while dialing late:1, code 504: 504 Gateway Timeout`,
    });
  });

  it('fails when the proxy goes before its answer', async () => {
    await bench.connectedAgent(server, { connectEndpoint: silence });
    const client = connectClient(bench, server, { tcp });
    const dial = client.dial('10.0.0.9', 1);
    const failed = expect(dial).rejects.toMatchObject({
      code: 'TUNNEL_CLOSED',
      message: expect.stringMatching(
        /^reading HTTP response from CONNECT to 10\.0\.0\.9:1 via proxy \S+ failed: (unexpected EOF|read: connection reset by peer)$/,
      ),
    });
    await bench.waitFor({ kind: 'endpoint.dialing' });
    await server.stop();
    await failed;
  });

  it('can be given up, which reaches the agent', async () => {
    await bench.connectedAgent(server, { connectEndpoint: silence });
    const controller = new AbortController();
    const dial = connectClient(bench, server, { tcp }).dial('10.0.0.9', 1, { signal: controller.signal });
    const failed = expect(dial).rejects.toMatchObject({ code: 'DIAL_CANCELLED' });
    await bench.waitFor({ kind: 'endpoint.dialing' });
    controller.abort();
    await failed;
    await bench.waitFor({ kind: 'packet', node: 'agent/a1', dir: 'in', packet: 'DIAL_CLS' });
  });

  it('ends when its agent is lost in mid-stream', async () => {
    const agent = await bench.connectedAgent(server);
    const stream = await connectClient(bench, server, { tcp }).dial(host, await bench.echo());
    stream.write('x');
    await once(stream, 'data');
    const closed = once(stream, 'close');
    await agent.stop();
    await closed;
  });
});

describe('R24 under load', () => {
  it('the 200 comes before the bytes of an endpoint that speaks first, in each of 1000 dials, 50 at once', async () => {
    await bench.connectedAgent(server);
    const port = await bench.endpoint((socket) => void socket.end('220 ready\r\n'));
    let left = 1000;
    const dials = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const client = await RawConnect.open(bench, server.frontendAddresses[left % 10 === 0 ? 1 : 0] ?? '');
        client.connect(`${host}:${port}`);
        expect(await client.readToEnd()).toBe(`${established}220 ready\r\n`);
      }
    };
    await Promise.all(Array.from({ length: 50 }, dials));
  }, 60_000);
});

describe('the client of a proxy that is not as it should be', () => {
  const failure = (path: string): Promise<TunnelError> =>
    connectClient(bench, server, { address: `unix://${path}` })
      .dial('h', 1)
      .then(
        () => expect.fail('no failure'),
        (error: TunnelError) => error,
      );

  it('writes what kube-apiserver writes', async () => {
    let asked = '';
    const path = await fakeProxy((socket) => {
      socket.on('data', (chunk: Buffer) => {
        asked += chunk.toString();
        if (asked.endsWith('\r\n\r\n')) socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      });
    });
    expect(await failure(path)).toMatchObject({
      code: 'PROTOCOL_VIOLATION',
      message: `proxy error from ${path} while dialing h:1, code 407: 407 Proxy Authentication Required`,
    });
    expect(asked).toBe('CONNECT h:1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  });

  it('does not take bytes behind the 200', async () => {
    const path = await fakeProxy((socket) => void socket.write(`${established}abc`));
    expect(await failure(path)).toMatchObject({
      code: 'PROTOCOL_VIOLATION',
      message: `unexpected 3 bytes of buffered data from CONNECT proxy "${path}"`,
    });
  });

  it.each([
    ['half an answer', 'HTTP/1.1 200', 'unexpected EOF'],
    ['no HTTP', 'hello\r\n\r\n', 'malformed HTTP response "hello"'],
  ])('does not take %s', async (_what, text, reason) => {
    const path = await fakeProxy((socket) => void socket.end(text));
    expect(await failure(path)).toMatchObject({
      code: 'TUNNEL_CLOSED',
      message: `reading HTTP response from CONNECT to h:1 via proxy ${path} failed: ${reason}`,
    });
  });

  it('fails at once when no process listens', async () => {
    const path = join(bench.folder, 'nobody.sock');
    expect(await failure(path)).toMatchObject({
      code: 'SERVER_UNREACHABLE',
      message: `dial unix ${path}: connect: no such file or directory`,
    });
    const tcp = connectClient(bench, server, { tcp: true, address: `${host}:1` });
    await expect(tcp.dial('h', 1)).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
      message: `dial tcp ${host}:1: connect: connection refused`,
    });
  });

  it('does not trust a stranger', async () => {
    const strangers = await createCertificateSet();
    const client = connectClient(bench, server, { tcp: true, tls: bench.tls('frontend-client', strangers) });
    await expect(client.dial('h', 1)).rejects.toMatchObject({ code: 'TLS_REJECTED' });
  });

  it('does not wait for ever', async () => {
    const path = await fakeProxy((socket) => void socket.resume());
    const client = connectClient(bench, server, { address: `unix://${path}`, dialTimeoutMs: 50 });
    await expect(client.dial('h', 1)).rejects.toMatchObject({ code: 'DIAL_TIMEOUT' });
  });

  it('refuses to dial after its end', async () => {
    const client = connectClient(bench, server);
    await client.close();
    await client.close();
    await expect(client.dial('h', 1)).rejects.toMatchObject({ code: 'LAB_STOPPED' });
  });
});
