import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRealClock } from '../../src/core/clock.js';
import { ignoreEvents } from '../../src/core/events.js';
import { createRandom } from '../../src/core/random.js';
import { writeCertificateDirectory } from '../../src/pki/files.js';
import type { Dialer } from '../../src/wire/client/dialer.js';
import { HttpConnectClient } from '../../src/wire/client/http-connect-client.js';
import { TunnelClient } from '../../src/wire/client/tunnel-client.js';
import { freePort } from '../support/dropin.js';
import { scratchFolder } from '../support/konnsim.js';
import { each, once } from '../support/waits.js';
import { Backends, CellBench } from './bench.js';
import { type Cell, cellName, cellsOf, realBuilds, variable } from './programs.js';
import { ended, textsOf } from './texts.js';

const host = '127.0.0.1';
const builds = realBuilds(process.env[variable]);
const cells = cellsOf(builds);
if (builds.length === 0) {
  const reason = `${variable} names no folder with Konnectivity's programs`;
  process.stderr.write(`SKIPPED: interop of our programs with Konnectivity's, 12 cells: ${reason}\n`);
}
let folder: Awaited<ReturnType<typeof scratchFolder>>;
let backends: Backends;
let seed = 1;

beforeAll(async () => {
  folder = await scratchFolder();
  await writeCertificateDirectory(folder.path);
  backends = await Backends.open();
});
afterAll(async () => {
  await backends.close();
  await folder.remove();
});

describe.each(cells.map((cell) => [cellName(cell), cell] as const))('%s', (_name, cell) => {
  const texts = textsOf(cell);
  let bench: CellBench;
  let clients: (Dialer & { close(): Promise<void> })[] = [];

  beforeAll(async () => {
    bench = await CellBench.open(cell, folder.path);
    bench.startServer();
    bench.startAgent();
    await bench.ready();
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.close()));
    clients = [];
  });
  afterAll(() => bench.close());

  async function dial(port: number, target = host): Promise<Duplex> {
    const client = await openClient(cell, bench);
    clients.push(client);
    return client.dial(target, port);
  }
  const dialEcho = async (): Promise<Duplex> => echoes(await dial(backends.echoPort));
  /** What whoever dials is told. */
  const failure = (port: number, target?: string): Promise<string> =>
    dial(port, target).then(
      (stream) => lastWords(stream),
      (error: Error) => error.message,
    );

  it('carries a request', async () => {
    await dialEcho();
  });

  it('carries a MiB each way, whole', async () => {
    const stream = await dialEcho();
    const sent = randomBytes(1024 * 1024);
    const received = readHash(stream, sent.length);
    stream.write(sent);
    expect(await received).toBe(hash(sent));
  });

  it('names the reason when the backend refuses', async () => {
    const port = await freePort();
    const reason = `dial tcp ${host}:${port}: connect: connection refused`;
    expect(await failure(port)).toMatch(texts.dialFailed(reason));
  });

  it('names the reason when no such host is known', async () => {
    const reason = 'dial tcp: lookup no-such-host.invalid';
    expect(await failure(80, 'no-such-host.invalid')).toMatch(texts.dialFailed(reason));
  });

  it.skipIf(cell.testClient === undefined)('serves proxy-test-client', async () => {
    const { code, output } = await bench.testClient(cell.testClient ?? '', backends.httpPort);
    expect(output.match(/path \/success/g)).toHaveLength(3);
    expect(code).toBe(0);
  });

  it('lets the survivors of a server know, and works again when it is back', async () => {
    const end = lastWords(await dialEcho());
    await bench.killServer();
    expect(await end).toMatch(texts.serverLost);
    expect(await failure(backends.echoPort)).toMatch(texts.serverDown);
    bench.startServer();
    await bench.ready();
    await dialEcho();
  });

  it('lets the survivors of an agent know, and works again with the next', async () => {
    const end = lastWords(await dialEcho());
    await bench.killAgent();
    expect(await end).toBe(ended);
    await bench.agentMissed();
    expect(await failure(backends.echoPort)).toMatch(texts.noAgent);
    bench.startAgent();
    await bench.ready();
    await dialEcho();
  });

  it.skipIf(!cell.agent.drains)('goes on with an agent that drains, when it is the only one', async () => {
    const open = await dialEcho();
    await bench.drainAgent();
    await echoes(open);
    await dialEcho();
  });

  it('ends at SIGTERM when nobody is connected', async () => {
    expect(await bench.stopServer()).toBe(0);
  });
});

async function openClient(cell: Cell, bench: CellBench): Promise<Dialer & { close(): Promise<void> }> {
  const common = {
    name: 'client/interop',
    serverName: `server/${cell.server.name}`,
    address: bench.frontend,
    ...(cell.transport === 'tcp' ? { tls: await tlsFiles(bench) } : {}),
    clock: createRealClock(),
    random: createRandom(seed++),
    emit: ignoreEvents,
  };
  return cell.mode === 'grpc' ? new TunnelClient(common) : new HttpConnectClient(common);
}

async function tlsFiles(bench: CellBench): Promise<{ ca: string; cert: string; key: string }> {
  const read = (name: string): Promise<string> => readFile(bench.file(name), 'utf8');
  const [ca, cert, key] = [read('frontend-ca.crt'), read('frontend-client.crt'), read('frontend-client.key')];
  return { ca: await ca, cert: await cert, key: await key };
}

async function echoes(stream: Duplex): Promise<Duplex> {
  const text = randomBytes(8).toString('hex');
  const answer = once(stream, 'data');
  stream.write(text);
  expect(String((await answer)[0])).toBe(text);
  return stream;
}

/** How a stream came to its end: the text of its error, or `ended`. */
async function lastWords(stream: Duplex): Promise<string> {
  stream.resume();
  try {
    await finished(stream);
    return ended;
  } catch (error) {
    return (error as Error).message;
  }
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function readHash(stream: Duplex, sizeBytes: number): Promise<string> {
  const sum = createHash('sha256');
  let left = sizeBytes;
  for await (const chunk of each(
    stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>,
    'bytes',
  )) {
    sum.update(chunk);
    left -= chunk.length;
    if (left <= 0) break;
  }
  return sum.digest('hex');
}
