import { createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { host, TunnelBench } from '../support/tunnel-bench.js';
import { once, soon } from '../support/waits.js';

let bench: TunnelBench;
beforeEach(async () => {
  bench = await TunnelBench.create();
});
afterEach(() => bench.close());

/** The protocols that an agent offers by ALPN, in its order. */
async function offered(alpnProtocols: readonly string[]): Promise<readonly string[]> {
  const { cert, key } = bench.tls('server');
  const seen: (readonly string[])[] = [];
  const ALPNCallback = ({ protocols }: { protocols: string[] }): string => {
    seen.push(protocols);
    return 'h2';
  };
  const server = createTlsServer({ cert, key, ALPNCallback }, (socket) => {
    socket.on('error', () => undefined);
    socket.destroy();
  });
  server.listen(0, host);
  await once(server, 'listening');
  bench.onClose(async () => void server.close());
  const { port } = server.address() as AddressInfo;
  await bench.agent(`${host}:${port}`, { alpnProtocols }).start();
  await expect.poll(() => seen.length).toBeGreaterThan(0);
  return seen[0] ?? [];
}

describe('an agent', () => {
  it('offers h2 by ALPN', async () => {
    expect(await offered([])).toEqual(['h2']);
  });

  it('offers other protocols before h2, so that a balancer can tell it by them', async () => {
    expect(await offered(['konnectivity', 'x/1'])).toEqual(['konnectivity', 'x/1', 'h2']);
  });

  it('takes h2 where its protocols name it', async () => {
    expect(await offered(['h2', 'x/1'])).toEqual(['h2', 'x/1']);
  });

  it('with other protocols is served by a server that knows h2 alone', async () => {
    const server = await bench.server();
    await bench.connectedAgent(server, { alpnProtocols: ['konnectivity'] });
    await bench.checkPath(server);
  });
});

/** A server that takes agents and says goodbye when told to, as a Go server that ends gracefully: streams stay open. */
async function startParting(): Promise<{
  address: string;
  sayGoodbye: () => void;
  streams: ServerHttp2Stream[];
}> {
  const { cert, key } = bench.tls('server');
  const sessions = new Set<ServerHttp2Session>();
  const streams: ServerHttp2Stream[] = [];
  const server = createSecureServer({ cert, key });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined);
  });
  server.on('stream', (stream) => {
    streams.push(stream);
    stream.on('error', () => undefined).resume();
    stream.respond({ 'content-type': 'application/grpc', serverid: `s${streams.length}`, servercount: '1' });
  });
  server.listen(0, host);
  await once(server, 'listening');
  bench.onClose(async () => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const sayGoodbye = (): void => {
    for (const session of sessions) session.goaway(0);
  };
  return { address: `${host}:${(server.address() as AddressInfo).port}`, sayGoodbye, streams };
}

describe('an agent whose server says that it goes (GOAWAY) and keeps the stream open', () => {
  it('leaves it at the next probe, and looks for another', async () => {
    const { address, sayGoodbye, streams } = await startParting();
    await bench.agent(address, { probeIntervalMs: 50 }).start();
    await bench.waitFor({ kind: 'agent.connected' });
    const since = bench.journal.mark();
    sayGoodbye();
    const { error } = await bench.waitFor({ kind: 'agent.disconnected' }, since);
    expect(error).toBe('the connection is not ready');
    await bench.waitFor({ kind: 'agent.connected' }, since);
    await expect.poll(() => streams.map(({ closed }) => closed)).toEqual([true, false]);
  });

  it('stays with it when it does not probe', async () => {
    const { address, sayGoodbye, streams } = await startParting();
    await bench.agent(address).start();
    await bench.waitFor({ kind: 'agent.connected' });
    sayGoodbye();
    // Its answer to a ping proves that it has read what came before.
    await soon((resolve) => streams[0]?.session?.ping(resolve), 'answer to a ping');
    expect(bench.agents[0]?.snapshot().servers).toEqual(['s1']);
  });

  it('is not left while it says nothing of the kind', async () => {
    const server = await bench.server();
    await bench.connectedAgent(server, { probeIntervalMs: 5 });
    for (let times = 0; times < 3; times++) await bench.checkPath(server);
    expect(bench.journal.events().filter(({ kind }) => kind === 'agent.disconnected')).toEqual([]);
  });
});
