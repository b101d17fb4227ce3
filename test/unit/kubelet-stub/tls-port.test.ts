import { connect as connectTcp, type Socket } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import { ignoreEvents } from '../../../src/core/events.js';
import { type Kubelet, startKubelet } from '../../../src/kubelet-stub/kubelet.js';
import { eventually, once } from '../../support/waits.js';
import { issueCertificates, type TestPki } from './bench.js';
import { ask, closed, connectTls } from './http-client.js';
import { ScriptedRuntime } from './scripted-runtime.js';

describe('the TLS port of a kubelet', () => {
  let pki: TestPki;
  let clock: ManualClock;
  let kubelet: Kubelet;

  const start = (port = 0): Promise<Kubelet> =>
    startKubelet({
      nodeName: 'node-1',
      port,
      tls: { ...pki.serving, clientCa: pki.ca.certPem },
      runtime: new ScriptedRuntime(),
      clock,
      emit: ignoreEvents,
    });

  beforeAll(async () => {
    pki = await issueCertificates();
  });
  beforeEach(async () => {
    clock = new ManualClock();
    kubelet = await start();
  });
  afterEach(() => kubelet.close());

  async function tcp(): Promise<Socket> {
    const socket = connectTcp(kubelet.address);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  it.each([
    ['plain HTTP', 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['garbage', Buffer.alloc(300, 0xa7)],
    ['a truncated handshake', Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1])],
  ])('closes the connection of a peer that speaks %s, and no other', async (_name, bytes) => {
    const good = await connectTls(kubelet, pki.client);
    const bad = await tcp();
    bad.end(bytes);
    await closed(bad);
    good.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const [answer] = (await once(good, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 OK/);
    await closed(good);
  });

  it('answers garbage inside TLS with 400', async () => {
    const socket = await connectTls(kubelet, pki.client);
    socket.write('\u0001\u0002 nonsense\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 Bad Request/);
    await closed(socket);
  });

  it('speaks HTTP/1.1 with a client that offers h2 as well, as kube-apiserver does', async () => {
    const socket = await connectTls(kubelet, pki.client, ['h2', 'http/1.1']);
    expect(socket.alpnProtocol).toBe('http/1.1');
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 OK/);
    await closed(socket);
  });

  it('closes an h2 connection that sends no HTTP/2', async () => {
    const socket = await connectTls(kubelet, pki.client, ['h2']);
    expect(socket.alpnProtocol).toBe('h2');
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await closed(socket);
    expect((await ask(kubelet, pki.client, '/healthz')).status).toBe(200);
  });

  it('allows ten seconds for a TLS handshake', async () => {
    const silent = await tcp();
    await eventually(() => expect(kubelet.openConnections).toBe(1));
    clock.advance(9_999);
    expect(silent.closed).toBe(false);
    clock.advance(1);
    await closed(silent);
    await eventually(() => expect(kubelet.openConnections).toBe(0));
  });

  it('closes an HTTP connection without a request for 90 seconds, but not one with a running request', async () => {
    const idle = await connectTls(kubelet, pki.client);
    const busy = await connectTls(kubelet, pki.client);
    busy.write('GET /containerLogs/default/web-0/app?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(busy, 'data');
    clock.advance(90_000);
    await closed(idle);
    expect(busy.closed).toBe(false);
    busy.destroy();
  });

  it('leaves no connection and no timer behind when it closes', async () => {
    const sockets = [
      await tcp(),
      await connectTls(kubelet, pki.client),
      await connectTls(kubelet, pki.client, ['h2']),
    ];
    await eventually(() => expect(kubelet.openConnections).toBe(3));
    await Promise.all([kubelet.close(), kubelet.close()]);
    await Promise.all(sockets.map(closed));
    expect([kubelet.openConnections, kubelet.openRequests, clock.pendingTimers]).toEqual([0, 0, 0]);
  });

  it('rejects an address that is in use, and an invalid certificate', async () => {
    await expect(start(kubelet.address.port)).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
    const broken = startKubelet({
      nodeName: 'node-2',
      tls: { cert: 'no', key: 'no', clientCa: 'no' },
      runtime: new ScriptedRuntime(),
      clock,
      emit: ignoreEvents,
    });
    await expect(broken).rejects.toMatchObject({ code: 'CERT_INVALID' });
  });
});
