import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import { TunnelError } from '../../../src/core/errors.js';
import { KubeletClient } from '../../../src/lab/kubelet-client/kubelet-client.js';
import { createAuthority } from '../../../src/pki/authority.js';
import type { Dialer, DialOptions } from '../../../src/wire/client/dialer.js';
import { eventually, once, soon } from '../../support/waits.js';
import {
  type Bench,
  clock,
  issueCertificates,
  never,
  startBench,
  type TestPki,
  TextSink,
  tlsFiles,
} from './bench.js';
import { ScriptedRuntime } from './scripted-runtime.js';

const hang = { namespace: 'default', pod: 'web-0', container: 'app', command: ['hang'], tty: false };

/** Dials as told: each entry of the plan is one dial. */
class PlannedDialer implements Dialer {
  readonly signals: (AbortSignal | undefined)[] = [];
  readonly requests: (string | undefined)[] = [];
  private readonly plan: (() => Promise<Duplex>)[];

  constructor(...plan: (() => Promise<Duplex>)[]) {
    this.plan = plan;
  }

  dial(_host: string, _port: number, options?: DialOptions): Promise<Duplex> {
    this.signals.push(options?.signal);
    this.requests.push(options?.request);
    const next = this.plan.shift();
    const given = new Promise<never>((_resolve, reject) => {
      options?.signal?.addEventListener('abort', () => reject(new TunnelError('DIAL_CANCELLED', 'given up')));
    });
    return Promise.race([given, next === undefined ? Promise.reject(new Error('no more dials')) : next()]);
  }
}

describe('the kubelet client and its channel', () => {
  let pki: TestPki;
  let runtime: ScriptedRuntime;
  let bench: Bench;
  const cleanups: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    pki = await issueCertificates();
  });
  beforeEach(async () => {
    runtime = new ScriptedRuntime();
    bench = await startBench(pki, runtime);
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
    await bench.close();
  });

  function client(options: Partial<ConstructorParameters<typeof KubeletClient>[0]>): KubeletClient {
    const target = { dialer: bench.dialer, ...bench.kubelet.address, tls: pki.client, clock, ...options };
    const made = new KubeletClient(target);
    cleanups.push(() => made.close());
    return made;
  }

  it('rejects at once with the same error object as the dial, and dials again for the next call', async () => {
    const refused = new TunnelError('NO_AGENT', 'No agent available', { where: 'server/1' });
    const { host, port } = bench.kubelet.address;
    const dialer = new PlannedDialer(
      () => Promise.reject(refused),
      () => bench.dialer.dial(host, port),
    );
    const through = client({ dialer });
    const startedAt = performance.now();
    await expect(through.listPods({ request: 'r-1' })).rejects.toBe(refused);
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(await through.listPods()).toHaveLength(1);
    expect(dialer.requests).toEqual(['r-1', undefined]);
  });

  it('shares one connection among all calls', async () => {
    await Promise.all(Array.from({ length: 20 }, () => bench.client.listPods()));
    expect([bench.dialer.dials, bench.kubelet.openConnections, bench.client.openConnections]).toEqual([
      1, 1, 1,
    ]);
  });

  it('ends running calls with TUNNEL_CLOSED when the tunnel is lost, and dials anew for the next call', async () => {
    const done = bench.client.exec(hang, { stdout: new TextSink(), signal: never });
    await runtime.hasStarted;
    const lost = new TunnelError('TUNNEL_CLOSED', 'agent node-1 is gone', { where: 'agent/node-1' });
    for (const stream of bench.dialer.open) stream.destroy(lost);
    await expect(done).rejects.toBe(lost);
    expect(await bench.client.listPods()).toHaveLength(1);
    expect(bench.dialer.dials).toBe(2);
  });

  it('ends running calls with TUNNEL_CLOSED when the kubelet stops', async () => {
    const done = bench.client.exec(hang, { stdout: new TextSink(), signal: never });
    await runtime.hasStarted;
    await bench.kubelet.close();
    await expect(done).rejects.toMatchObject({ code: 'TUNNEL_CLOSED' });
    await expect(bench.client.listPods()).rejects.toThrow('ECONNREFUSED');
  });

  it('says TLS_REJECTED when the certificate of the kubelet does not fit', async () => {
    const foreign = await createAuthority();
    const pair = await foreign.issue({ commonName: 'x', usages: ['client'] });
    await expect(client({ tls: tlsFiles(foreign, pair) }).listPods()).rejects.toMatchObject({
      code: 'TLS_REJECTED',
    });
    await expect(client({ serverName: '10.9.9.9' }).listPods()).rejects.toMatchObject({
      code: 'TLS_REJECTED',
    });
    expect(await client({ serverName: 'localhost' }).listPods()).toHaveLength(1);
  });

  it('says CERT_INVALID when its own certificate is not a certificate, and leaves nothing behind', async () => {
    const before = (await readdir(tmpdir())).filter((name) => name.startsWith(`konnsim-${process.pid}-`));
    await expect(client({ tls: { ...pki.client, cert: 'none' } }).listPods()).rejects.toMatchObject({
      code: 'CERT_INVALID',
    });
    const after = (await readdir(tmpdir())).filter((name) => name.startsWith(`konnsim-${process.pid}-`));
    expect(after).toEqual(before);
    await eventually(() => expect(bench.dialer.open.size).toBe(0));
  });

  it('says UNAUTHORIZED when the kubelet does not accept the certificate of the client', async () => {
    const foreign = await createAuthority();
    const pair = await foreign.issue({ commonName: 'x', usages: ['client'] });
    const tls = { ...tlsFiles(foreign, pair), ca: pki.client.ca };
    await expect(client({ tls }).listPods()).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
  });

  it('cancels the dial when the last call that waits for it is aborted', async () => {
    const dialer = new PlannedDialer(() => new Promise(() => undefined));
    const through = client({ dialer });
    const [first, second] = [new AbortController(), new AbortController()];
    const calls = [first, second].map(({ signal }) => through.listPods({ signal }));
    first.abort();
    await expect(calls[0]).rejects.toMatchObject({ code: 'DIAL_CANCELLED' });
    expect(dialer.signals).toHaveLength(1);
    expect(dialer.signals[0]?.aborted).toBe(false);
    second.abort();
    await expect(calls[1]).rejects.toMatchObject({ code: 'DIAL_CANCELLED' });
    expect(dialer.signals[0]?.aborted).toBe(true);
    await expect(through.listPods()).rejects.toThrow('no more dials');
  });

  it('uses loopback when the path of the folder for temporary files is too long', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'x'.repeat(120)));
    vi.stubEnv('TMPDIR', folder);
    cleanups.push(async () => {
      vi.unstubAllEnvs();
      await rm(folder, { recursive: true });
    });
    expect(await client({}).listPods()).toHaveLength(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('gives up a kubelet that does not finish the TLS handshake in time', async () => {
    const silent: Server = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const sockets: Socket[] = [];
    silent.on('connection', (socket) => sockets.push(socket.on('error', () => undefined)));
    const manual = new ManualClock();
    const { port } = silent.address() as { port: number };
    const call = client({ port, clock: manual, connectTimeoutMs: 3000 }).listPods();
    await eventually(() => expect(sockets[0]?.bytesRead).toBeGreaterThan(0));
    manual.advance(3000);
    await expect(call).rejects.toMatchObject({
      code: 'DIAL_TIMEOUT',
      message: `127.0.0.1:${port} did not finish the TLS handshake within 3000 ms`,
    });
    for (const socket of sockets) socket.destroy();
    await soon((resolve) => silent.close(resolve), 'end of the server');
  });

  it('removes its folder, its connection and its timer when it closes, and refuses calls from then on', async () => {
    const folders = async (): Promise<number> =>
      (await readdir(tmpdir())).filter((name) => name.startsWith(`konnsim-${process.pid}-`)).length;
    const before = await folders();
    const manual = new ManualClock();
    const through = client({ clock: manual });
    await through.listPods();
    expect(await folders()).toBe(before + 1);
    await Promise.all([through.close(), through.close()]);
    expect([await folders(), manual.pendingTimers, through.openConnections]).toEqual([before, 0, 0]);
    await eventually(() => expect(bench.kubelet.openConnections).toBe(0));
    await expect(through.listPods()).rejects.toMatchObject({ code: 'LAB_STOPPED' });
  });

  it('ends running calls when it closes', async () => {
    const done = bench.client.exec(hang, { stdout: new TextSink(), signal: never });
    await runtime.hasStarted;
    const ended = expect(done).rejects.toMatchObject({ code: 'TUNNEL_CLOSED' });
    await bench.client.close();
    await ended;
    await runtime.hasAborted;
  });
});
