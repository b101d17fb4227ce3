import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ConnectEndpoint } from '../../src/agent/options.js';
import { TunnelError } from '../../src/core/errors.js';
import {
  closeResponse,
  connectId,
  dataPacket,
  dialClose,
  dialId,
  dialSuccess,
} from '../../src/core/packet.js';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import type { ProxyServer } from '../../src/server/server.js';
import { RawCall } from '../support/raw-call.js';
import { connectServer, established, metrics, RawConnect } from '../support/raw-connect.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';
import { soon } from '../support/waits.js';

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

const plain = 'Content-Type: text/plain; charset=utf-8';

/** An agent's dial that fails with `text`. */
const failing =
  (text: string): ConnectEndpoint =>
  () =>
    Promise.reject(new TunnelError('DIAL_FAILED', text));

/** An endpoint that neither accepts nor refuses. */
const silence: ConnectEndpoint = (_host, _port, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new TunnelError('DIAL_CANCELLED', 'given up')));
  });

const gauge = async (server: ProxyServer, name: string): Promise<number> =>
  Number(new RegExp(`_${name} (\\d+)`).exec(await metrics(server))?.[1]);

/** A CONNECT whose dial has reached an agent that does what the test says. */
async function dialledRaw(server: ProxyServer, client: RawConnect) {
  const agent = new RawCall({
    address: server.agentAddress,
    path: '/AgentService/Connect',
    tls: bench.tls('agent'),
    metadata: [['agentid', 'raw']],
  });
  bench.onClose(() => agent.close());
  await bench.waitFor({ kind: 'backend.connected' });
  client.connect('10.0.0.9:1');
  await expect.poll(() => agent.received[0]).toMatch(/^DIAL_REQ \d+ 10\.0\.0\.9:1$/);
  return { agent, client, dial: dialId(BigInt(agent.received[0]?.split(' ')[1] ?? 0)) };
}

describe.each([
  ['a Unix socket', 0],
  ['TCP with mTLS', 1],
])('CONNECT over %s', (_name, index) => {
  const open = (server: ProxyServer): Promise<RawConnect> =>
    RawConnect.open(bench, server.frontendAddresses[index] ?? '');

  it('R24: is answered 200, then carries bytes both ways', async () => {
    const server = await setUp();
    await bench.connectedAgent(server);
    const client = await open(server);
    client.connect(`${host}:${await bench.echo()}`);
    expect(await client.read(established.length)).toBe(established);
    client.write('ping');
    expect(await client.read(established.length + 4)).toBe(`${established}ping`);
    expect(await gauge(server, 'http_connections')).toBe(1);
    client.socket.end();
    expect(await client.readToEnd()).toBe(`${established}ping`);
    await expect.poll(() => gauge(server, 'http_connections')).toBe(0);
  });

  it('R24: goes to the authority of the request line, whatever Host says', async () => {
    const server = await setUp();
    await bench.connectedAgent(server);
    const client = await open(server);
    client.write(`CONNECT ${host}:${await bench.echo()} HTTP/1.1\r\nHost: elsewhere:1\r\nX: y\r\n\r\nhi`);
    expect(await client.read(established.length + 2)).toBe(`${established}hi`);
  });

  it('R24: takes what follows the head for the first bytes of the tunnel, be it another request', async () => {
    const server = await setUp();
    await bench.connectedAgent(server);
    const client = await open(server);
    const garbage = `GET / HTTP/1.1\r\n\r\nCONNECT x:1 HTTP/1.1\r\n\r\n\0\xff${'z'.repeat(20_000)}`;
    client.connect(`${host}:${await bench.echo()}`, garbage);
    client.write('more');
    const all = `${established}${garbage}more`;
    expect(await client.read(all.length)).toBe(all);
  });

  it('R25: without an agent is answered 500', async () => {
    const client = await open(await setUp());
    client.connect('10.0.0.9:1');
    expect(await client.readToEnd()).toBe(
      'HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\n\r\ncurrently no tunnels available: No agent available',
    );
  });

  it.each([
    ['dial tcp 10.0.0.9:1: connect: connection refused', '502 Bad Gateway'],
    ['dial tcp 10.0.0.9:1: i/o timeout', '504 Gateway Timeout'],
    ['context Deadline Exceeded', '504 Gateway Timeout'],
    ['dial tcp: socket: Too Many Open Files', '503 Service Unavailable'],
    ['dial tcp: lookup nöwhere: no such host', '502 Bad Gateway'],
  ])('R25: the agent’s error %j is answered %s', async (text, status) => {
    const server = await setUp();
    await bench.connectedAgent(server, { connectEndpoint: failing(text) });
    const client = await open(server);
    client.connect('10.0.0.9:1');
    const answer = `HTTP/1.1 ${status}\r\nConnection: close\r\n${plain}\r\n\r\n${text}`;
    expect(await client.readToEnd()).toBe(Buffer.from(answer).toString('latin1'));
  });

  it('R25: when the agent is lost in the dial is answered 502', async () => {
    const server = await setUp();
    const agent = await bench.connectedAgent(server, { connectEndpoint: silence });
    const client = await open(server);
    client.connect('10.0.0.9:1');
    await bench.waitFor({ kind: 'endpoint.dialing' });
    await agent.stop();
    expect(await client.readToEnd()).toBe(
      `HTTP/1.1 502 Bad Gateway\r\n${plain}\r\n\r\nBackend context error: context canceled\r\n`,
    );
  });

  it('R25: when the agent does not answer is answered 504', async () => {
    const server = await setUp(100);
    await bench.connectedAgent(server, { connectEndpoint: silence, dialTimeoutMs: 1e6 });
    const client = await open(server);
    client.connect('10.0.0.9:1');
    expect(await client.readToEnd()).toBe(
      `HTTP/1.1 504 Gateway Timeout\r\n${plain}\r\n\r\nBackend dial timeout: timed out waiting for backend dial\r\n`,
    );
  });

  it('R26: gives the dial up at once when the client hangs up', async () => {
    const server = await setUp();
    await bench.connectedAgent(server, { connectEndpoint: silence });
    const client = await open(server);
    client.connect('10.0.0.9:1');
    await bench.waitFor({ kind: 'endpoint.dialing' });
    client.socket.destroy();
    await bench.waitFor({ kind: 'packet', node: 'agent/a1', dir: 'in', packet: 'DIAL_CLS' });
    await bench.waitFor({ kind: 'frontend.closed' });
  });

  it('R26: ends with the agent, after the bytes that it had sent', async () => {
    const server = await setUp();
    const agent = await bench.connectedAgent(server);
    const port = await bench.endpoint((socket) => void socket.write('x'.repeat(100_000)));
    const client = await open(server);
    client.connect(`${host}:${port}`);
    const all = established + 'x'.repeat(100_000);
    await client.read(all.length);
    await agent.stop();
    expect(await client.readToEnd()).toBe(all);
  });

  it('R26: gets what comes between its own end and the CLOSE_RSP', async () => {
    const server = await setUp();
    const { agent, client, dial } = await dialledRaw(server, await open(server));
    agent.send(dialSuccess(dial, connectId(5n)));
    await client.read(established.length);
    client.socket.end();
    await expect.poll(() => agent.received).toContain('CLOSE_REQ 5');
    agent.send(dataPacket(connectId(5n), Buffer.from('last')));
    agent.send(closeResponse(connectId(5n)));
    expect(await client.readToEnd()).toBe(`${established}last`);
  });

  it('R25: that the agent gives up with DIAL_CLS gets nothing', async () => {
    const server = await setUp();
    const { agent, client, dial } = await dialledRaw(server, await open(server));
    agent.send(dialClose(dial));
    expect(await client.readToEnd()).toBe('');
  });

  it('R26: ends with the endpoint, after its last bytes', async () => {
    const server = await setUp();
    await bench.connectedAgent(server);
    const payload = 'y'.repeat(3_000_000);
    const port = await bench.endpoint((socket) => void socket.end(payload));
    const client = await open(server);
    client.connect(`${host}:${port}`);
    expect((await client.readToEnd()) === established + payload).toBe(true);
  });

  it('refuses every other method with Go’s page', async () => {
    const client = await open(await setUp());
    client.write('GET /x HTTP/1.1\r\nHost: h\r\n\r\nCONNECT h:1 HTTP/1.1\r\n\r\n');
    const page = (await client.readToEnd()).replace(/\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT/, 'NOW');
    expect(page).toBe(
      `HTTP/1.1 405 Method Not Allowed\r\n${plain}\r\nX-Content-Type-Options: nosniff\r\n` +
        'Date: NOW\r\nContent-Length: 45\r\n\r\nthis proxy only supports CONNECT passthrough\n',
    );
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n', '400 Bad Request'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '400 Bad Request'],
    ['a CONNECT without a version', 'CONNECT h:1\r\n\r\n', '400 Bad Request'],
    ['two Hosts', 'CONNECT h:1 HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n', '400 Bad Request'],
    ['two spaces before the address', 'CONNECT  h:1 HTTP/1.1\r\n\r\n', '400 Bad Request'],
    ['two spaces before the version', 'CONNECT h:1  HTTP/1.1\r\n\r\n', '400 Bad Request'],
    ['an empty line first', '\r\nCONNECT h:1 HTTP/1.1\r\n\r\n', '400 Bad Request'],
    [
      'a Host with a space and a slash',
      'CONNECT h:1 HTTP/1.1\r\nHost: a b/c\r\n\r\n',
      '400 Bad Request: malformed Host header',
    ],
    [
      'a Host with a user',
      'CONNECT h:1 HTTP/1.1\r\nHost: a@b\r\n\r\n',
      '400 Bad Request: malformed Host header',
    ],
    [
      'a CONNECT of HTTP/2.0',
      'CONNECT h:1 HTTP/2.0\r\n\r\n',
      '505 HTTP Version Not Supported: unsupported protocol version',
    ],
    [
      'too large a head',
      `CONNECT h:1 HTTP/1.1\r\nX: ${'x'.repeat(1 << 20)}`,
      '431 Request Header Fields Too Large',
    ],
  ])('refuses %s with Go’s page', async (_what, bytes, status) => {
    const client = await open(await setUp());
    client.write(bytes);
    expect(await client.readToEnd()).toBe(
      `HTTP/1.1 ${status}\r\n${plain}\r\nConnection: close\r\n\r\n${status}`,
    );
  });

  it('takes a head that comes byte by byte, and one of nearly 1 MiB', async () => {
    const server = await setUp();
    await bench.connectedAgent(server);
    const address = `${host}:${await bench.echo()}`;
    const slow = await open(server);
    for (const byte of `CONNECT ${address} HTTP/1.1\r\n\r\n!`) {
      await soon((resolve) => slow.socket.write(byte, resolve), 'end of the write');
    }
    expect(await slow.read(established.length + 1)).toBe(`${established}!`);
    const large = await open(server);
    large.write(`CONNECT ${address} HTTP/1.1\r\nX: ${'x'.repeat(1_000_000)}\r\n\r\n`);
    expect(await large.read(established.length)).toBe(established);
  });

  it('closes a connection whose request does not come within 60 s', async () => {
    const server = await setUp(600);
    const began = bench.clock.now();
    const client = await open(server);
    client.write('CONNECT h:1 HT');
    expect(await client.readToEnd()).toBe('');
    expect(bench.clock.now() - began).toBeGreaterThanOrEqual(59_999);
  });
});
