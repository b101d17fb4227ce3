import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRealClock } from '../../src/core/clock.js';
import { ignoreEvents } from '../../src/core/events.js';
import { createRandom } from '../../src/core/random.js';
import type { Dialer } from '../../src/wire/client/dialer.js';
import { HttpConnectClient } from '../../src/wire/client/http-connect-client.js';
import { TunnelClient } from '../../src/wire/client/tunnel-client.js';
import { DropinBench, freePort } from '../support/dropin.js';
import { RawCall } from '../support/raw-call.js';
import { once, soon } from '../support/waits.js';

const host = '127.0.0.1';
let bench: DropinBench;
const closes: (() => unknown)[] = [];

beforeEach(async () => {
  bench = await DropinBench.open();
});
afterEach(async () => {
  for (const close of closes.splice(0)) await close();
  await bench.close();
});

function client(mode: 'grpc' | 'http-connect'): Dialer {
  const common = { name: 'client/test', serverName: 'server/s1', address: `unix://${bench.socket}` };
  const settings = { ...common, clock: createRealClock(), random: createRandom(1), emit: ignoreEvents };
  const made = mode === 'grpc' ? new TunnelClient(settings) : new HttpConnectClient(settings);
  closes.push(() => made.close());
  return made;
}

async function open(dialer: Dialer): Promise<Duplex> {
  const stream = await dialer.dial(host, bench.endpointPort);
  stream.on('error', () => undefined);
  await echo(stream, 'hello');
  return stream;
}

async function echo(stream: Duplex, text: string): Promise<void> {
  stream.write(text);
  expect(String((await once(stream, 'data'))[0])).toBe(text);
}

const failed = (dial: Promise<Duplex>): Promise<boolean> =>
  dial.then(
    (stream) => (stream.destroy(), false),
    () => true,
  );

describe('proxy-server with a graceful time', () => {
  it.each(['grpc', 'http-connect'] as const)(
    'refuses new connections of %s after the first signal, serves open ones, and ends with the last',
    async (mode) => {
      const { server, agent } = await bench.both({ mode, 'graceful-shutdown-timeout': '1h' });
      const stream = await open(client(mode));
      server.child.kill('SIGINT');
      await server.waitFor(/Shutting down server\./);
      await expect(client(mode).dial(host, bench.endpointPort)).rejects.toThrow();
      await echo(stream, 'still here');
      stream.destroy();
      expect((await server.finished()).code).toBe(0);
      await agent.waitFor(/agent\.disconnected/);
    },
  );
});

describe('proxy-server without a graceful time', () => {
  it('lets open gRPC connections finish after the first signal, without limit, and takes no new dials', async () => {
    const { server, agent } = await bench.both();
    const shared = client('grpc');
    const stream = await open(shared);
    server.child.kill('SIGTERM');
    await server.waitFor(/Shutting down server\./);
    await expect.poll(() => failed(client('grpc').dial(host, bench.endpointPort))).toBe(true);
    expect(await failed(shared.dial(host, bench.endpointPort))).toBe(true);
    await echo(stream, 'still here');
    for (const port of [bench.ports.health, bench.ports.admin])
      expect((await fetch(`http://${host}:${port}/metrics`)).status).toBeLessThan(500);
    expect((await fetch(`http://${host}:${bench.ports.health}/readyz`)).status).toBe(200);
    const ports = { 'health-server-port': await freePort(), 'admin-server-port': await freePort() };
    const late = bench.start('proxy-agent', bench.agentFlags({ ...ports, 'agent-id': 'late' }));
    await late.waitFor(/agent\.connected/);
    expect(server.child.exitCode).toBeNull();
    stream.destroy();
    expect((await server.finished()).code).toBe(0);
    for (const each of [agent, late]) await each.waitFor(/agent\.disconnected/);
  });

  it('ends with code 1 at the second signal, while a frontend holds its stream', async () => {
    const { server } = await bench.both();
    const call = new RawCall({ address: `unix://${bench.socket}`, path: '/ProxyService/Proxy' });
    closes.push(() => call.close());
    await server.waitFor(/frontend\.opened/);
    server.child.kill('SIGTERM');
    await server.waitFor(/Shutting down server\./);
    expect(server.child.exitCode).toBeNull();
    expect((await server.stop('SIGTERM')).code).toBe(1);
  });

  it('cuts tunnels of HTTP CONNECT at once, as Go’s server forgets them', async () => {
    const { server } = await bench.both({ mode: 'http-connect' });
    const stream = await open(client('http-connect'));
    const cut = soon((resolve) => stream.resume().once('close', resolve), 'end of the stream');
    expect((await server.stop('SIGTERM')).code).toBe(0);
    await cut;
  });
});

describe('proxy-agent after its first signal', () => {
  it('looks for no server any more, and the second signal ends it with code 0', async () => {
    const { server, agent } = await bench.both();
    agent.child.kill('SIGTERM');
    await agent.waitFor(/Received first signal: SIGTERM/);
    await server.waitFor(/backend\.draining/);
    await server.stop('SIGKILL');
    await agent.waitFor(/agent\.disconnected/);
    const again = bench.start('proxy-server', bench.serverFlags());
    await again.waitFor(/role\.started/);
    const { code, stderr } = await agent.stop('SIGTERM');
    expect(code).toBe(0);
    expect(stderr).toMatch(/Received second signal: SIGTERM/);
    expect(stderr.split('agent.disconnected')[1]).not.toMatch(/agent\.(connecting|retry)/);
    expect((await again.stop('SIGKILL')).stderr).not.toContain('backend.connected');
  });
});
