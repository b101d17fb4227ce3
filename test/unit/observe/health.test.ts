import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createRealClock } from '../../../src/core/clock.js';
import { type HealthOptions, type Readiness, startHealthServer } from '../../../src/observe/health.js';
import type { PageServer } from '../../../src/observe/page-server.js';
import { createServerMetrics } from '../../../src/observe/server-metrics.js';
import { noServer } from '../../support/metric-levels.js';
import { once } from '../../support/waits.js';

const started: PageServer[] = [];
afterEach(async () => {
  for (const server of started.splice(0)) await server.close();
});

async function start(options: Pick<HealthOptions, 'style'> & Partial<HealthOptions>): Promise<PageServer> {
  const server = await startHealthServer({
    host: '127.0.0.1',
    port: 0,
    clock: createRealClock(),
    ready: () => ({ ok: true, text: 'ok' }),
    ...options,
  });
  started.push(server);
  return server;
}

async function get(
  server: PageServer,
  path: string,
): Promise<[status: number, body: string, type: string | null]> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
  return [response.status, await response.text(), response.headers.get('content-type')];
}

const plain = 'text/plain; charset=utf-8';

describe('the health of a proxy-server', () => {
  it('is 200 ok, and 500 with the reason while there is no agent', async () => {
    let state: Readiness = { ok: false, text: 'no connection to any proxy agent' };
    const server = await start({ style: 'server', ready: () => state });
    expect(await get(server, '/healthz')).toEqual([200, 'ok', plain]);
    for (const path of ['/readyz', '/ready']) {
      expect(await get(server, path)).toEqual([500, 'no connection to any proxy agent', plain]);
    }
    state = { ok: true, text: 'ok' };
    expect(await get(server, '/readyz?verbose')).toEqual([200, 'ok', plain]);
  });
});

describe('the health of an agent', () => {
  const checks = (failure?: string) => [{ name: 'ping' }, { name: 'server-connected', failure }];

  it('is 200 ok, with a list of checks when it is asked for', async () => {
    const server = await start({ style: 'agent', ready: () => ({ ok: true, text: 'ok', checks: checks() }) });
    expect(await get(server, '/readyz')).toEqual([200, 'ok', plain]);
    expect(await get(server, '/readyz?verbose')).toEqual([
      200,
      '[+]ping ok\n[+]server-connected ok\ncheck passed\n',
      plain,
    ]);
  });

  it('is 503 with the list while there is no server, asked or not', async () => {
    const ready = () => ({ ok: false, text: 'not ready', checks: checks('no servers connected') });
    const server = await start({ style: 'agent', ready });
    for (const path of ['/readyz', '/ready?verbose']) {
      expect(await get(server, path)).toEqual([
        503,
        '[+]ping ok\n[-]server-connected failed: no servers connected\n',
        plain,
      ]);
    }
  });
});

describe('the health listener', () => {
  it('serves metrics in Prometheus’ format, and 404 for what it does not know', async () => {
    const metrics = createServerMetrics(() => noServer);
    metrics.established.set(4);
    const [status, body, type] = await get(await start({ style: 'server', metrics }), '/metrics?x=1');
    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(body).toContain('konnectivity_network_proxy_server_established_connections 4');
    const bare = await start({ style: 'server' });
    for (const path of ['/metrics', '/', '/healthz/x'])
      expect(await get(bare, path)).toEqual([404, '404 page not found\n', plain]);
  });

  it('answers 500, and continues, when a check or the metrics throw', async () => {
    const ready = (): Readiness => {
      throw new Error('no idea');
    };
    const server = await start({ style: 'agent', ready });
    expect(await get(server, '/readyz')).toEqual([500, 'no idea\n', plain]);
    expect((await get(server, '/healthz'))[0]).toBe(200);
  });

  it('survives a client that sends no HTTP', async () => {
    const server = await start({ style: 'server' });
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('\u0016\u0003\u0001 not http\r\n\r\n');
    socket.resume();
    await once(socket, 'close');
    expect((await get(server, '/healthz'))[0]).toBe(200);
  });

  it('says that its port is taken, or its address not of this machine', async () => {
    const { port } = await start({ style: 'server' });
    await expect(start({ style: 'server', port })).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
    await expect(start({ style: 'agent', host: '192.0.2.1' })).rejects.toMatchObject({
      code: 'ADDRESS_UNAVAILABLE',
      where: 'agent health 192.0.2.1:0',
    });
  });

  it('closes with a connection open, and twice', async () => {
    const server = await start({ style: 'server' });
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const gone = once(socket, 'close');
    await Promise.all([server.close(), server.close()]);
    await gone;
  });
});
