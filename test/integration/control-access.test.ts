import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startControl } from '../../src/index.js';
import { type ControlBench, startControlBench } from '../support/control-bench.js';
import { scratchFolder } from '../support/konnsim.js';
import { once } from '../support/waits.js';

let bench: ControlBench;
let folder: Awaited<ReturnType<typeof scratchFolder>>;

beforeAll(async () => {
  folder = await scratchFolder();
  await mkdir(join(folder.path, 'web', 'assets'), { recursive: true });
  await writeFile(join(folder.path, 'web', 'index.html'), '<!doctype html><title>lab</title>');
  await writeFile(join(folder.path, 'web', 'assets', 'main-1a2b.js'), 'export {};');
  await writeFile(join(folder.path, 'secret.html'), 'secret');
  bench = await startControlBench({}, { web: join(folder.path, 'web') });
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await folder.remove();
});

const code = (json: unknown): unknown => (json as { code?: unknown }).code;

describe('a hostile page in the same browser', () => {
  it.each([
    'evil.example',
    'evil.example:7575',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
  ])('is refused when it calls this machine %s', async (host) => {
    const answer = await bench.ask('GET', '/v1/cluster', { headers: { host } });
    expect([answer.status, code(answer.json)]).toEqual([403, 'FORBIDDEN']);
  });

  it.each(['http://evil.example', 'null', 'http://localhost:1', 'https://127.0.0.1', 'file://'])(
    'is refused when its Origin is %s, also when it only reads',
    async (origin) => {
      for (const [method, path] of [
        ['GET', '/v1/events'],
        ['GET', '/'],
        ['POST', '/v1:reset'],
        ['DELETE', '/v1/faults'],
      ] as const) {
        expect((await bench.ask(method, path, { headers: { origin } })).status).toBe(403);
      }
    },
  );

  it('gets no CORS headers, and cannot send a form', async () => {
    const preflight = await bench.ask('OPTIONS', '/v1/faults', {
      headers: { origin: 'http://evil.example' },
    });
    expect(preflight.status).toBe(403);
    expect(Object.keys(preflight.headers).join()).not.toContain('access-control');
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx']) {
      const answer = await bench.ask('POST', '/v1:reset', { headers: { 'content-type': type } });
      expect(answer.status).toBe(415);
    }
  });

  it('does not concern the own page and local programs', async () => {
    const { port } = bench.control;
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
      const own = { host, origin: `http://${host}` };
      expect((await bench.ask('GET', '/v1/clock', { headers: own })).status).toBe(200);
    }
  });
});

describe('a body', () => {
  it('may have 64 KiB, told or not', async () => {
    const body = { do: 'x'.repeat(65 * 1024) };
    const told = await bench.ask('POST', '/v1/faults', { body });
    expect([told.status, code(told.json)]).toEqual([413, 'BAD_REQUEST']);
    const untold = await bench.ask('POST', '/v1/faults', {
      body,
      headers: { 'transfer-encoding': 'chunked' },
    });
    expect(untold.status).toBe(413);
  });

  it('that is wrong is told by its field', async () => {
    const order = { verb: 'exec', pod: 'web-1', command: 'ls' };
    expect((await bench.ask('POST', '/v1/requests', { body: order })).text).toContain('body.command: ');
    expect((await bench.ask('POST', '/v1/faults', { body: '{' })).text).toContain('it is no JSON');
    expect((await bench.ask('POST', '/v1/faults', { body: { do: 'nothing' } })).text).toContain(
      'CONFIG_INVALID',
    );
    expect((await bench.ask('GET', '/v1/events?nod=x')).status).toBe(400);
  });
});

describe('other machines', () => {
  it('cannot be let in without a token', async () => {
    await expect(startControl(bench.lab, { host: '0.0.0.0' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    await expect(startControl(bench.lab, { token: 'short' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  it('need it for all but the page and the health of the process', async () => {
    const token = 'a-token-of-a-test-1';
    const control = await startControl(bench.lab, { host: '0.0.0.0', token });
    try {
      const url = `http://127.0.0.1:${control.port}`;
      const ask = (path: string, authorization = ''): Promise<Response> =>
        fetch(`${url}${path}`, { headers: { authorization } });
      for (const wrong of ['', `Bearer ${token}x`, 'Bearer', `Basic ${token}`, token]) {
        expect((await ask('/v1/cluster', wrong)).status).toBe(401);
      }
      for (const path of ['/metrics', '/v1:reset', '/%76%31/cluster', '/v1%2fcluster', '//v1/cluster']) {
        expect((await ask(path)).status).toBeGreaterThan(400);
      }
      expect((await ask('/healthz')).status).toBe(200);
      expect((await ask('/v1/cluster', `Bearer ${token}`)).status).toBe(200);
      await expect(startControl(bench.lab, { port: control.port })).rejects.toMatchObject({
        code: 'ADDRESS_IN_USE',
      });
    } finally {
      await control.close();
    }
  });
});

describe('the page', () => {
  it('is served with a policy that lets nothing else in', async () => {
    const page = await bench.ask('GET', '/');
    expect(page.text).toContain('<title>lab</title>');
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': expect.stringContaining("default-src 'self'") as unknown,
    });
    const script = await bench.ask('GET', '/assets/main-1a2b.js');
    expect(script.headers['cache-control']).toContain('immutable');
  });

  it('has no address outside its folder', async () => {
    for (const path of [
      '/../secret.html',
      '/%2e%2e/secret.html',
      '/assets/..%2f..%2fsecret.html',
      '//secret.html',
    ]) {
      expect(await rawStatus(path)).toMatch(/ (400|404) /);
    }
  });
});

/** A client that changes nothing of its path. */
async function rawStatus(path: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: bench.control.port });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  const [first] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return first.toString().split('\r\n')[0] ?? '';
}
