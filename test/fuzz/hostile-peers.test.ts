import { connect } from 'node:net';
import { Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../../src/core/random.js';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import type { ProxyServer } from '../../src/server/server.js';
import { RawCall } from '../support/raw-call.js';
import { connectServer } from '../support/raw-connect.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';
import { once } from '../support/waits.js';
import { mutate, randomBytes } from './mutate.js';
import { PacketSource } from './packet-source.js';
import { chooseSeed } from './seed.js';

const seed = chooseSeed();

let certificates: CertificateSet;
let bench: TunnelBench;
let server: ProxyServer;
let random: Random;

beforeAll(async () => {
  certificates = await createCertificateSet();
});

beforeEach(async () => {
  random = createRandom(seed);
  bench = await TunnelBench.create({ certificates, timeScale: 20 });
});

/** Stops everything and fails when a count, a timer or a socket is left. */
afterEach(() => bench.close());

/** A stream's worth of messages, of which one in three is bytes that nobody can read. */
function messages(count: number): Buffer[] {
  const source = new PacketSource(random);
  return Array.from({ length: count }, () => source.bytes());
}

/** Writes all messages as far as the stream lives; then ends it in order, and waits for the status, or cuts it. */
async function flood(call: RawCall, count: number): Promise<void> {
  for (const message of messages(count)) call.call.write(message);
  if (random.below(4) > 0) {
    call.call.end();
    await call.status;
  }
  await call.close();
}

/** Runs all rounds, some at once. */
async function rounds(count: number, run: (round: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

describe('a proxy-server among hostile peers', () => {
  beforeEach(async () => {
    server = await bench.server();
    await bench.connectedAgent(server);
  });

  it('serves others after frontends that send garbage', async () => {
    await rounds(64, async (round) => {
      const address = server.frontendAddresses[round % 2] ?? '';
      const tls = round % 2 === 1 ? { tls: bench.tls('frontend-client') } : {};
      await flood(new RawCall({ address, path: '/ProxyService/Proxy', ...tls }), 50);
    });
    await bench.checkPath(server);
  });

  it('serves others after agents that send garbage', async () => {
    await rounds(64, async (round) => {
      const identity = [['agentid', `hostile-${round % 3}`]] as const;
      const tls = bench.tls('agent');
      const call = new RawCall({
        ...{ address: server.agentAddress, path: '/AgentService/Connect', tls, metadata: identity },
      });
      await call.metadata;
      await flood(call, 50);
    });
    await expect.poll(() => server.snapshot().backends).toBe(1);
    await bench.checkPath(server);
  });

  it('serves others after bytes that are neither TLS nor HTTP/2', async () => {
    const [unixAddress = ''] = server.frontendAddresses;
    const port = Number(server.agentAddress.split(':').at(-1));
    await rounds(64, async (round) => {
      const preface = Buffer.from(
        'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\0\xff\xff\xff',
        'latin1',
      );
      const bytes = round % 3 === 0 ? randomBytes(random, 400) : mutate(random, preface);
      const path = unixAddress.slice('unix://'.length);
      await garble(round % 2 === 0 ? { path } : { host, port }, bytes);
    });
    await bench.checkPath(server);
  });
});

/** Connects, sends, ends its direction, and waits a little for the other end before it leaves. */
async function garble(to: { path: string } | { host: string; port: number }, bytes: Buffer): Promise<void> {
  const socket = connect(to);
  socket.on('error', () => undefined);
  socket.resume();
  socket.end(bytes);
  const closed = once(socket, 'close');
  await Promise.race([closed, once(socket, 'finish').catch(() => undefined)]);
  socket.destroy();
  await closed;
}

describe('a proxy-server for HTTP CONNECT', () => {
  it('serves others after clients that send garbage, before and behind a good head', async () => {
    server = await connectServer(bench);
    await bench.connectedAgent(server);
    const path = (server.frontendAddresses[0] ?? '').slice('unix://'.length);
    const echoPort = await bench.echo();
    await rounds(150, async (round) => {
      const head = Buffer.from(`CONNECT ${host}:${echoPort} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
      const bytes = round % 3 === 0 ? head : mutate(random, head);
      await garble({ path }, Buffer.concat([bytes, randomBytes(random, random.below(3000))]));
    });
    await expect
      .poll(() => server.snapshot())
      .toMatchObject({ frontends: 0, pendingDials: 0, established: 0 });
  });
});

describe('an agent', () => {
  it('comes back after servers that send garbage, and then serves', async () => {
    const hostile = new Server({ 'grpc.enable_channelz': 0 });
    let met = 0;
    hostile.addService(
      {
        Connect: {
          ...{ path: '/AgentService/Connect', requestStream: true, responseStream: true },
          ...{ requestSerialize: same, requestDeserialize: same },
          ...{ responseSerialize: same, responseDeserialize: same },
        },
      },
      { Connect: (call: HostileCall) => meet(call, (met += 1)) },
    );
    const { ca, cert, key } = bench.tls('server');
    const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) };
    const port = await bind(hostile, ServerCredentials.createSsl(Buffer.from(ca), [pair], true));
    const agent = bench.agent(`${host}:${port}`, { sync: { intervalMs: 20, capMs: 50 } });
    await agent.start();
    await expect.poll(() => met, { timeout: 15_000 }).toBeGreaterThan(25);
    hostile.forceShutdown();
    const good = await bench.server({ agents: { kind: 'tcp', host, port, tls: bench.tls('server') } });
    await bench.waitFor({ kind: 'backend.connected' });
    await bench.checkPath(good);
  });
});

const same = (bytes: Buffer): Buffer => bytes;

interface HostileCall extends NodeJS.EventEmitter {
  sendMetadata(metadata: Metadata): void;
  write(bytes: Buffer): boolean;
  end(): void;
}

/** Announces itself properly, mostly; sends garbage; hangs up, mostly. */
function meet(call: HostileCall, round: number): void {
  call.on('error', () => undefined);
  call.on('data', () => undefined);
  const metadata = new Metadata();
  metadata.set('serverid', `hostile-${round}`);
  metadata.set('servercount', random.below(4) === 0 ? '-x' : '1');
  call.sendMetadata(metadata);
  for (const message of messages(60)) call.write(message);
  call.end();
}

function bind(server: Server, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:0`, credentials, (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}
