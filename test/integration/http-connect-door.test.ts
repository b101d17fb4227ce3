import { execFile } from 'node:child_process';
import { stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import type { ProxyServer } from '../../src/server/server.js';
import { deferred } from '../support/deferred.js';
import { connectServer, established, metrics, packets, RawConnect } from '../support/raw-connect.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';
import { once } from '../support/waits.js';

let certificates: CertificateSet;
let bench: TunnelBench;

beforeAll(async () => {
  certificates = await createCertificateSet();
});

async function setUp(timeScale = 1): Promise<ProxyServer> {
  bench = await TunnelBench.create({ certificates, timeScale });
  return connectServer(bench, { backendDialTimeoutMs: 20_000 });
}

afterEach(() => bench.close());

describe('a frontend door for HTTP CONNECT', () => {
  it('can be used beside one for gRPC; only its user may use its socket', async () => {
    bench = await TunnelBench.create({ certificates });
    const path = join(bench.folder, 'c.sock');
    const server = await connectServer(bench, {
      frontends: [
        { kind: 'unix', path: join(bench.folder, 'g.sock'), protocol: 'grpc' },
        { kind: 'unix', path, protocol: 'http-connect' },
      ],
    });
    await bench.connectedAgent(server);
    const port = await bench.echo();
    const grpc = await bench.client(server).dial(host, port);
    grpc.write('a');
    expect(String(await once(grpc, 'data'))).toBe('a');
    const client = await RawConnect.open(bench, `unix://${path}`);
    client.connect(`${host}:${port}`, 'b');
    expect(await client.read(established.length + 1)).toBe(`${established}b`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(server.snapshot()).toMatchObject({ frontends: 2, established: 2 });
  });

  it('refuses a client without a certificate of its CA', async () => {
    const server = await setUp();
    const strangers = await createCertificateSet();
    const client = await RawConnect.open(bench, server.frontendAddresses[1] ?? '', {
      ...bench.tls('frontend-client', strangers),
      ca: bench.tls('frontend-client').ca,
    });
    client.connect('10.0.0.9:1');
    expect(await client.readToEnd()).toBe('');
    expect(server.snapshot().frontends).toBe(0);
  });

  it('R26: drops a client that leaves its ended connection open', async () => {
    const server = await setUp();
    const client = await RawConnect.open(bench, server.frontendAddresses[0] ?? '');
    client.connect('10.0.0.9:1');
    await once(client.socket, 'end');
    await bench.waitFor({ kind: 'frontend.closed' });
    client.socket.destroy();
  });

  it('R19: cuts a client that takes nothing for 30 s, and its agent serves others again', async () => {
    const server = await setUp(20);
    await bench.connectedAgent(server);
    const port = await bench.endpoint((socket) => {
      const more = (): void => void (socket.write(Buffer.alloc(1 << 20)) && setImmediate(more));
      socket.on('drain', more);
      more();
    });
    const sleeper = await RawConnect.open(bench, server.frontendAddresses[0] ?? '');
    sleeper.connect(`${host}:${port}`);
    await sleeper.read(established.length);
    sleeper.socket.pause();
    await bench.waitFor({ kind: 'connection.closed', text: 'frontend_stalled' });
    const client = await RawConnect.open(bench, server.frontendAddresses[0] ?? '');
    client.connect(`${host}:${await bench.echo()}`, 'hi');
    expect(await client.read(established.length + 2)).toBe(`${established}hi`);
  });

  it('R22: does not read a client on while its endpoint does not', async () => {
    const server = await setUp();
    await bench.connectedAgent(server);
    const connected = deferred<Socket>();
    const port = await bench.endpoint((socket) => connected.resolve(socket.pause()));
    const client = await RawConnect.open(bench, server.frontendAddresses[0] ?? '');
    client.connect(`${host}:${port}`);
    await client.read(established.length);
    const endpoint = await connected.promise;
    const sizeBytes = 48 << 20;
    let taken = 0;
    client.socket.write(Buffer.alloc(sizeBytes), () => (taken = sizeBytes));
    const stopped = async (): Promise<boolean> => {
      const before = await metrics(server);
      return (
        /packet_type="DATA",segment="to_agent"/.test(before) &&
        packets(before).join() === packets(await metrics(server)).join()
      );
    };
    await expect.poll(stopped).toBe(true);
    expect(taken).toBe(0);
    let received = 0;
    endpoint.on('data', (chunk: Buffer) => (received += chunk.length));
    endpoint.resume();
    await expect.poll(() => received).toBe(sizeBytes);
  });

  it('counts its packets like any frontend’s', async () => {
    const server = await setUp();
    await bench.connectedAgent(server);
    const client = await RawConnect.open(bench, server.frontendAddresses[0] ?? '');
    client.connect(`${host}:${await bench.echo()}`, 'hi');
    await client.read(established.length + 2);
    expect(packets(await metrics(server)).filter((line) => line.includes('_client"'))).toEqual([
      'packet_type="DIAL_REQ",segment="from_client"} 1',
      'packet_type="DATA",segment="from_client"} 1',
      'packet_type="DIAL_RSP",segment="to_client"} 1',
      'packet_type="DATA",segment="to_client"} 1',
    ]);
  });

  it('does not take a living socket away, and nothing is left of the attempt', async () => {
    await setUp();
    await expect(connectServer(bench, { name: 'second' })).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
  });

  it('serves Node’s own CONNECT client', async () => {
    const server = await setUp();
    await bench.connectedAgent(server);
    const socketPath = join(bench.folder, 'connect.sock');
    const ask = request({
      socketPath,
      method: 'CONNECT',
      path: `${host}:${await bench.echo()}`,
      agent: false,
    });
    ask.end();
    const [response, socket] = await once(ask, 'connect');
    expect(response).toMatchObject({ statusCode: 200, statusMessage: 'Connection Established' });
    socket.write('hello');
    expect(String(await once(socket, 'data'))).toBe('hello');
    socket.destroy();
  });

  it('serves curl', async (context) => {
    const run = promisify(execFile);
    const found = await run('curl', ['--version']).catch(() => undefined);
    if (found === undefined) return context.skip('no curl');
    const server = await setUp();
    await bench.connectedAgent(server);
    const port = await bench.endpoint((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    });
    const at = (name: string): string => join(bench.folder, name);
    for (const [name, pem] of Object.entries(bench.tls('frontend-client'))) await writeFile(at(name), pem);
    const { stdout } = await run('curl', [
      ...['-sS', '--noproxy', '', '--proxytunnel', '--proxy', `https://${server.frontendAddresses[1]}`],
      ...['--proxy-cacert', at('ca'), '--proxy-cert', at('cert'), '--proxy-key', at('key')],
      `http://${host}:${port}/`,
    ]);
    expect(stdout).toBe('ok');
  });
});
