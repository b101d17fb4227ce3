import { readFile, stat, writeFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRealClock } from '../../src/core/clock.js';
import { ignoreEvents } from '../../src/core/events.js';
import { createRandom } from '../../src/core/random.js';
import { authorityOf } from '../../src/pki/certificate-set.js';
import type { ServedCall } from '../../src/wire/carrier/served-call.js';
import { startTunnelListener } from '../../src/wire/carrier/tunnel-listener.js';
import type { Dialer } from '../../src/wire/client/dialer.js';
import { HttpConnectClient } from '../../src/wire/client/http-connect-client.js';
import { TunnelClient } from '../../src/wire/client/tunnel-client.js';
import { DropinBench, freePort } from '../support/dropin.js';
import { once, soon } from '../support/waits.js';

const host = '127.0.0.1';
let bench: DropinBench;
const clients: { close(): unknown }[] = [];

beforeEach(async () => {
  bench = await DropinBench.open();
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await bench.close();
});

async function tls(leaf: string) {
  const read = (name: string): Promise<string> => readFile(bench.file(name), 'utf8');
  return {
    ca: await read(`${authorityOf(leaf)}.crt`),
    cert: await read(`${leaf}.crt`),
    key: await read(`${leaf}.key`),
  };
}

function common(address: string) {
  const names = { name: 'client/test', serverName: 'server/s1' };
  return { ...names, address, clock: createRealClock(), random: createRandom(1), emit: ignoreEvents };
}

function grpcClient(): TunnelClient {
  const client = new TunnelClient(common(`unix://${bench.socket}`));
  clients.push(client);
  return client;
}

async function echo(stream: Duplex, text: string): Promise<void> {
  stream.write(text);
  expect(String((await once(stream, 'data'))[0])).toBe(text);
}

async function open(client: Dialer): Promise<Duplex> {
  const stream = await client.dial(host, bench.endpointPort);
  await echo(stream, 'hello');
  return stream;
}

/** The cipher suite that a client with these limits gets. */
async function handshake(port: number, limits: ConnectionOptions): Promise<string> {
  const leaf = port === bench.ports.agents ? 'agent' : 'frontend-client';
  const socket = connectTls({ host, port, ...(await tls(leaf)), ALPNProtocols: ['h2'], ...limits });
  try {
    return await soon((resolve) => {
      socket.on('error', () => resolve('refused'));
      socket.once('secureConnect', () => resolve(socket.getCipher().name));
    }, 'end of the handshake');
  } finally {
    socket.destroy();
  }
}

async function page(port: number, path: string): Promise<Response> {
  return fetch(`http://${host}:${port}${path}`, { redirect: 'manual' });
}

/** TCP for frontends with mutual TLS. */
function tcpFlags(mode: string): Record<string, string | number> {
  return {
    mode,
    'uds-name': '',
    'server-bind-address': host,
    'server-port': bench.ports.frontends,
    'server-ca-cert': bench.file('frontend-ca.crt'),
    'server-cert': bench.file('server-frontend.crt'),
    'server-key': bench.file('server-frontend.key'),
    'tls-min-version': 'VersionTLS13',
  };
}

describe('proxy-server and proxy-agent', () => {
  it('carry a connection from a Unix socket that owner and group may use', async () => {
    await bench.both();
    await open(grpcClient());
    expect((await stat(bench.socket)).mode & 0o777).toBe(0o770);
  });

  it('carry connections of HTTP CONNECT over a Unix socket', async () => {
    await bench.both({ mode: 'http-connect' });
    const client = new HttpConnectClient(common(`unix://${bench.socket}`));
    clients.push(client);
    await open(client);
  });

  it.each(['grpc', 'http-connect'])('carry connections of %s over TCP with mutual TLS', async (mode) => {
    await bench.both(tcpFlags(mode));
    const own = { ...common(`localhost:${bench.ports.frontends}`), tls: await tls('frontend-client') };
    const client = mode === 'grpc' ? new TunnelClient(own) : new HttpConnectClient(own);
    clients.push(client);
    await open(client);
  });

  it('agree without a client certificate when the server has no CA for agents', async () => {
    await bench.both({ 'cluster-ca-cert': '' }, { 'agent-cert': '', 'agent-key': '' });
    await open(grpcClient());
  });

  it('do not agree without a client certificate when the server has a CA for agents', async () => {
    const server = bench.start('proxy-server', bench.serverFlags());
    await server.waitFor(/role\.started/);
    const agent = bench.start('proxy-agent', bench.agentFlags({ 'agent-cert': '', 'agent-key': '' }));
    await agent.waitFor(/agent\.retry[^]*agent\.retry/);
    expect((await page(bench.ports.health, '/readyz')).status).toBe(500);
  });

  it('serve metrics with the texts that people compare', async () => {
    await bench.both();
    await open(grpcClient());
    await expect(grpcClient().dial(host, 1)).rejects.toThrow(/connection refused/);
    const agent = await (await page(bench.ports.agentHealth, '/metrics')).text();
    const prefix = 'konnectivity_network_proxy_agent';
    expect(agent).toContain(`
# HELP ${prefix}_endpoint_dial_failure_total Number of failures dialing the remote endpoint, by reason (example: timeout).
# TYPE ${prefix}_endpoint_dial_failure_total counter
${prefix}_endpoint_dial_failure_total{reason="unknown"} 1
`);
    expect(agent).toContain(`
# HELP ${prefix}_open_endpoint_connections Current number of open endpoint connections.
# TYPE ${prefix}_open_endpoint_connections gauge
${prefix}_open_endpoint_connections 1
`);
    const server = await (await page(bench.ports.admin, '/metrics')).text();
    expect(server).toContain(
      'konnectivity_network_proxy_server_dial_failure_count{reason="error_response"} 1',
    );
    expect(server).toContain('Number of konnectivity agent connected to the proxy server. DEPRECATED,');
  });

  it('have admin ports: of an agent it points to the health port', async () => {
    await bench.both();
    const moved = await page(bench.ports.agentAdmin, '/metrics?name=x');
    expect(moved.status).toBe(301);
    expect(moved.headers.get('location')).toBe(`//${host}:${bench.ports.agentHealth}/metrics?name=x`);
    expect((await page(bench.ports.agentAdmin, '/healthz')).status).toBe(404);
    expect((await page(bench.ports.admin, '/debug/pprof/')).status).toBe(404);
  });

  it('log packets at --v=5 only, in lines as of klog', async () => {
    const { server, agent } = await bench.both({ v: 5 }, { v: 0 });
    await open(grpcClient());
    const line = /^I\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ proxy-server:0\] .* DIAL_REQ /m;
    await server.waitFor(line);
    const { stdout, stderr } = await agent.stop('SIGKILL');
    expect(stdout).toBe('');
    expect(stderr).toContain('agent.connected');
    expect(stderr).not.toMatch(/DIAL_REQ|endpoint\.connected/);
  });
});

describe('proxy-agent', () => {
  it('drains at the first signal and goes on; the second ends it', async () => {
    const { server, agent } = await bench.both();
    const stream = await open(grpcClient());
    agent.child.kill('SIGTERM');
    await server.waitFor(/backend\.draining/);
    await echo(stream, 'still here');
    expect((await page(bench.ports.agentHealth, '/readyz')).status).toBe(200);
    expect((await agent.stop('SIGINT')).code).toBe(0);
  });

  it('sends its token as it is at each connect, and never logs it', async () => {
    await writeFile(bench.file('token'), 'secret-1');
    const seen: unknown[] = [];
    const serve = (call: ServedCall): void => {
      seen.push(call.headers.authorization);
      call.accept();
      const packets = call.carry({});
      const text = seen.length === 1 ? 'secret-2' : 'secret-3\nand more';
      void writeFile(bench.file('token'), text).then(() => packets.finish());
    };
    const listener = await startTunnelListener({
      method: 'Connect',
      endpoint: { kind: 'tcp', host, port: bench.ports.agents, tls: await tls('server') },
      ...{ keepaliveTimeMs: 30_000, clock: createRealClock() },
      where: 'test',
      serve,
    });
    clients.push(listener);
    const agent = bench.start(
      'proxy-agent',
      bench.agentFlags({ 'service-account-token-path': bench.file('token'), v: 9 }),
    );
    await agent.waitFor(/not one line of printable ASCII/);
    expect(seen).toEqual(['Bearer secret-1', 'Bearer secret-2']);
    const { stderr } = await agent.stop('SIGKILL');
    expect(stderr).not.toContain('secret-');
  });

  it.each([
    [
      { 'count-server-leases': true },
      /failed to load in cluster kubernetes client config: unable to load in-/,
    ],
    [{ 'sync-interval': '1m' }, /failed to validate agent options with sync interval 1m0s must be less/],
    [{ 'no-such-flag': 1 }, /unknown flag: --no-such-flag/],
    [{ 'ca-cert': '' }, /--ca-cert must be set/],
  ])('does not start with %o', async (flags, text) => {
    const { code, stderr } = await bench.start('proxy-agent', bench.agentFlags(flags)).finished();
    expect(stderr).toMatch(text);
    expect(code).toBe(1);
  });

  it('takes --name=false, lists in brackets and flags without effect, and says so', async () => {
    const odd = { 'sync-forever': false, 'alpn-proto': '[]', 'xfr-channel-size': 5 };
    const { agent } = await bench.both({}, odd);
    await agent.waitFor(/^W.*--xfr-channel-size has no effect: /m);
  });
});

describe('proxy-server', () => {
  it('keeps connections open until the graceful time is over', async () => {
    const { server } = await bench.both({ 'graceful-shutdown-timeout': '2s' });
    const stream = await open(grpcClient());
    stream.on('error', () => undefined);
    server.child.kill('SIGTERM');
    await server.waitFor(/Shutting down server\./);
    await expect.poll(() => page(bench.ports.health, '/healthz').catch(() => 'gone')).toBe('gone');
    await expect(page(bench.ports.admin, '/metrics')).rejects.toThrow();
    await echo(stream, 'still here');
    expect((await server.finished()).code).toBe(0);
  });

  it('ends with code 1 at the second signal', async () => {
    const { server } = await bench.both({ 'graceful-shutdown-timeout': '1h' });
    await open(grpcClient());
    server.child.kill('SIGTERM');
    await server.waitFor(/Shutting down server\./);
    expect((await server.stop('SIGTERM')).code).toBe(1);
  });

  it.each([
    [{ 'enable-lease-controller': true }, /failed to load in cluster kubernetes client config: unable/],
    [
      {
        'cluster-ca-cert': '',
        'agent-namespace': 'kube-system',
        'agent-service-account': 'agent',
        'authentication-audience': 'server',
      },
      /KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined/,
    ],
    [{ 'cluster-cert': '', 'cluster-key': '' }, /--cluster-cert and --cluster-key must be set/],
    [{ 'agent-port': 80 }, /please do not try to use reserved port 80 for the agent port/],
    [{ mode: 'udp' }, /mode must be set to either 'grpc' or 'http-connect' not "udp"/],
  ])('does not start with %o', async (flags, text) => {
    const { code, stderr } = await bench.start('proxy-server', bench.serverFlags(flags)).finished();
    expect(stderr).toMatch(text);
    expect(code).toBe(1);
  });

  it('insists on its lowest TLS version and its cipher suites on both ports', async () => {
    const suites = 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256';
    await bench.both({ ...tcpFlags('grpc'), 'tls-min-version': 'VersionTLS12', 'cipher-suites': suites });
    for (const port of [bench.ports.frontends, bench.ports.agents]) {
      expect(await handshake(port, { maxVersion: 'TLSv1.2' })).toMatch(
        /^ECDHE-(RSA|ECDSA)-AES128-GCM-SHA256$/,
      );
      expect(await handshake(port, { maxVersion: 'TLSv1.2', ciphers: 'HIGH:!AES128' })).toBe('refused');
      expect(await handshake(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })).toBe('refused');
    }
  });

  it('takes the socket of another server over only when it may', async () => {
    await bench.both();
    const own = {
      'agent-port': await freePort(),
      'health-port': await freePort(),
      'admin-port': await freePort(),
    };
    const other = bench.serverFlags(own);
    const refused = bench.start('proxy-server', { ...other, 'delete-existing-uds-file': false });
    expect((await refused.finished()).stderr).toMatch(/already in use.*\[ADDRESS_IN_USE\]/);
    await open(grpcClient());
    const taker = bench.start('proxy-server', other);
    await taker.waitFor(/role\.started/);
    await expect(grpcClient().dial(host, bench.endpointPort)).rejects.toThrow('No agent available');
  });
});
