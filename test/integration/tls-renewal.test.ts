import { X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startApiServer } from '../../src/apiserver/api-server.js';
import { createObjectStore } from '../../src/apiserver/store/object-store.js';
import { createSandboxRuntime } from '../../src/containers/sandbox-runtime.js';
import { splitHostPort } from '../../src/core/address.js';
import { startKubelet } from '../../src/kubelet-stub/kubelet.js';
import { createTopology } from '../../src/lab/topology.js';
import { type CertificateSet, createCertificateSet, type RoleLeaf } from '../../src/pki/certificate-set.js';
import { readText } from '../../src/pki/read-files.js';
import { writeFilesAtomically } from '../../src/pki/text-files.js';
import type { ProxyServer } from '../../src/server/server.js';
import { type Renewable, renewableAs, type TlsFiles } from '../../src/wire/net/tls.js';
import { TlsFilesGroup } from '../../src/wire/net/tls-files-group.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';
import { once, soon } from '../support/waits.js';

let first: CertificateSet;
let second: CertificateSet;
let bench: TunnelBench;
let files: TlsFilesGroup;

beforeAll(async () => {
  [first, second] = [await createCertificateSet(), await createCertificateSet()];
});
beforeEach(async () => {
  bench = await TunnelBench.create({ certificates: first });
  files = new TlsFilesGroup({ node: 'lab/test', clock: bench.clock, emit: bench.journal.emit });
  bench.onClose(() => files.close());
});
afterEach(() => bench.close());

const names = ['ca.crt', 'tls.crt', 'tls.key'] as const;

async function put(leaf: RoleLeaf, { ca, cert, key }: TlsFiles): Promise<void> {
  const folder = join(bench.folder, leaf);
  await mkdir(folder, { recursive: true });
  const content = [ca, cert, key];
  const all = names.map((name, at) => ({ path: join(folder, name), text: content[at] ?? '', mode: 0o600 }));
  await writeFilesAtomically(folder, all);
}

/** Puts other texts into the files of a leaf and waits until they are in use. */
async function renew(leaf: RoleLeaf, texts: TlsFiles): Promise<void> {
  const since = bench.journal.mark();
  await put(leaf, texts);
  await bench.waitFor({ kind: 'certificates.renewed' }, since);
}

/** The files of a leaf, with the first set in them. */
async function use(leaf: RoleLeaf): Promise<Renewable<TlsFiles>> {
  await put(leaf, bench.tls(leaf));
  const paths = names.map((name) => join(bench.folder, leaf, name));
  return files.use(paths, async () => {
    const [ca = '', cert = '', key = ''] = await Promise.all(paths.map(readText));
    return { ca, cert, key };
  });
}

/** A handshake that is over on both ends, or what ended it. */
async function shake(address: string, options: ConnectionOptions): Promise<TLSSocket | string> {
  const to = splitHostPort(address);
  const socket = connect({ ...to, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...options });
  bench.onClose(async () => void socket.destroy());
  const failed = soon<string>((resolve) => {
    socket.on('error', ({ message }) => resolve(message));
    socket.once('close', () => resolve('closed'));
  }, 'end of the handshake');
  // A TLS 1.3 server judges the client's certificate after the client is done: only its first bytes tell.
  const greeted = once(socket, 'data').then(() => socket);
  return Promise.race([failed, greeted]);
}

function serialOf(certPem: string): string {
  return new X509Certificate(certPem).serialNumber;
}

/** The serial number of the certificate that is shown now. */
async function shown(address: string, ALPNProtocols = ['h2']): Promise<string> {
  const to = splitHostPort(address);
  const socket = connect({ ...to, ...bench.tls('admin'), rejectUnauthorized: false, ALPNProtocols });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

async function echo(stream: Duplex, text: string): Promise<void> {
  stream.write(text);
  expect(String((await once(stream, 'data'))[0])).toBe(text);
}

async function startServer(): Promise<ProxyServer> {
  const tls = await use('server-frontend');
  return bench.server({
    agents: { kind: 'tcp', host, port: 0, tls: await use('server') },
    frontends: [
      { kind: 'unix', path: join(bench.folder, 's1.sock') },
      { kind: 'tcp', host, port: 0, tls },
      { kind: 'tcp', host, port: 0, tls, protocol: 'http-connect' },
    ],
  });
}

describe('a proxy-server whose files are renewed', () => {
  it('shows the new certificate to agents from then on, and keeps those that are there', async () => {
    const server = await startServer();
    await bench.connectedAgent(server);
    const stream = await bench.client(server).dial(host, await bench.echo());
    expect(await shown(server.agentAddress)).toBe(serialOf(first.leaves.server.certPem));
    const renewed = await first.authorities['agent-ca'].issue({
      commonName: 'konnectivity-server',
      usages: ['server'],
      dnsNames: [],
    });
    await renew('server', { ca: bench.tls('server').ca, cert: renewed.certPem, key: renewed.keyPem });
    expect(await shown(server.agentAddress)).toBe(serialOf(renewed.certPem));
    await echo(stream, 'still here');
    expect(server.snapshot().backends).toBe(1);
    stream.destroy();
  });

  it('shows the new certificate to frontends of gRPC and HTTP CONNECT', async () => {
    const server = await startServer();
    const [, grpc = '', http = ''] = server.frontendAddresses;
    expect(await shown(grpc)).toBe(serialOf(first.leaves['server-frontend'].certPem));
    await renew('server-frontend', bench.tls('server-frontend', second));
    const serial = serialOf(second.leaves['server-frontend'].certPem);
    expect(await shown(grpc)).toBe(serial);
    expect(await shown(http, ['http/1.1'])).toBe(serial);
  });

  it('believes the new CA alone: agents of the old one are refused, also with a session of before', async () => {
    const server = await startServer();
    const old = await shake(server.agentAddress, bench.tls('agent'));
    if (typeof old === 'string') throw new Error(old);
    const session = old.getSession();
    await renew('server', { ...bench.tls('server'), ca: bench.tls('server', second).ca });
    const resumed = session === undefined ? {} : { session };
    const refusal = /unknown ca|closed|certificate/i;
    expect(await shake(server.agentAddress, { ...bench.tls('agent'), ...resumed })).toMatch(refusal);
    expect(await shake(server.agentAddress, bench.tls('agent'))).toMatch(refusal);
    await bench.waitFor({ kind: 'peer.refused' });
    expect(typeof (await shake(server.agentAddress, bench.tls('agent', second)))).toBe('object');
  });

  it('goes on with the old certificate while the files do not fit together, and says so once', async () => {
    const server = await startServer();
    const torn = { ...bench.tls('server', second), key: first.leaves.server.keyPem };
    await put('server', torn);
    const event = await bench.waitFor({ kind: 'certificates.rejected' });
    expect(event).toMatchObject({
      node: 'lab/test',
      code: 'CERT_INVALID',
      error: expect.stringMatching(/key values mismatch/) as string,
      text: expect.stringContaining('tls.key') as string,
    });
    expect(await shown(server.agentAddress)).toBe(serialOf(first.leaves.server.certPem));
    await renew('server', bench.tls('server', second));
    expect(await shown(server.agentAddress)).toBe(serialOf(second.leaves.server.certPem));
  });
});

describe('an agent whose files are renewed', () => {
  it('shows its new certificate at the next connect, and is let in where it was refused', async () => {
    const tls = await use('agent');
    const server = await bench.server({
      agents: {
        kind: 'tcp',
        host,
        port: 0,
        tls: { ...bench.tls('server'), ca: bench.tls('server', second).ca },
      },
    });
    const since = bench.journal.mark();
    await bench.agent(server.agentAddress, { tls, sync: { intervalMs: 50, capMs: 100 } }).start();
    await bench.waitFor({ kind: 'agent.retry' }, since);
    await renew('agent', { ...bench.tls('agent', second), ca: bench.tls('agent').ca });
    await bench.waitFor({ kind: 'agent.connected' }, since);
    await bench.waitFor({ kind: 'backend.connected' }, since);
  });

  it('keeps the connection that it has', async () => {
    const server = await bench.server();
    await bench.connectedAgent(server, { tls: await use('agent') });
    await renew('agent', bench.tls('agent', second));
    await bench.checkPath(server);
    expect(bench.journal.events().filter(({ kind }) => kind === 'agent.disconnected')).toEqual([]);
  });
});

describe('a tunnel client whose files are renewed', () => {
  it('dials with the new ones, and what runs goes on', async () => {
    const tls = await use('frontend-client');
    const server = await startServer();
    await bench.connectedAgent(server);
    const client = bench.client(server, { tcp: true, tls });
    const port = await bench.echo();
    const before = await client.dial(host, port);
    await echo(before, 'one');
    await renew('server-frontend', {
      ...bench.tls('server-frontend'),
      ca: bench.tls('server-frontend', second).ca,
    });
    await renew('frontend-client', {
      ...bench.tls('frontend-client', second),
      ca: bench.tls('frontend-client').ca,
    });
    const after = await client.dial(host, port);
    await echo(after, 'two');
    await echo(before, 'three');
    for (const stream of [before, after]) stream.destroy();
  });
});

describe('the other roles', () => {
  it('a kubelet shows its renewed certificate', async () => {
    const source = await use('server');
    const { clock, random } = bench;
    const runtime = createSandboxRuntime({
      clock,
      random,
      nodeName: 'node-1',
      pods: [],
      emit: () => undefined,
    });
    bench.onClose(() => runtime.close());
    const tls = renewableAs(source, ({ ca: clientCa, cert, key }) => ({ clientCa, cert, key }));
    const kubelet = await startKubelet({ nodeName: 'node-1', tls, runtime, clock, emit: () => undefined });
    bench.onClose(() => kubelet.close());
    await renew('server', bench.tls('server', second));
    const { address } = kubelet;
    expect(await shown(`${address.host}:${address.port}`)).toBe(serialOf(second.leaves.server.certPem));
  });

  it('an API façade shows its renewed certificate', async () => {
    const source = await use('apiserver');
    const { clock, random } = bench;
    const { objects } = createTopology({ nodes: 1, random, nowMs: Date.now(), kubernetesVersion: '1.33.1' });
    const server = await bench.server();
    const facade = await startApiServer({
      ...{ clock, random, emit: () => undefined, dialer: bench.client(server) },
      tls: renewableAs(source, ({ ca: clientCa, cert, key }) => ({ clientCa, cert, key })),
      store: createObjectStore(objects, clock),
      kubeletTls: bench.tls('apiserver-kubelet-client'),
    });
    bench.onClose(() => facade.close());
    await renew('apiserver', bench.tls('apiserver', second));
    expect(await shown(facade.address)).toBe(serialOf(second.leaves.apiserver.certPem));
  });
});
