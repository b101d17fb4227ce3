import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GrpcDialer } from '../../../src/apiserver/egress/grpc-dialer.js';
import { ManualClock } from '../../../src/core/clock.js';
import { type BehaviourMode, faithfulSet } from '../../../src/core/faithful.js';
import { createRandom } from '../../../src/core/random.js';
import { host, TunnelBench } from '../../support/tunnel-bench.js';
import { once, soon } from '../../support/waits.js';

let bench: TunnelBench;
let clock: ManualClock;
let path: string;

beforeEach(async () => {
  bench = await TunnelBench.create();
  clock = new ManualClock();
  path = join(bench.folder, 'grpc.sock');
});
afterEach(() => bench.close());

function dialer(as: BehaviourMode = 'real'): GrpcDialer {
  const made = new GrpcDialer({
    ...{ address: `unix://${path}`, name: 'apiserver/test', serverName: 'server/s1', clock },
    ...{ random: createRandom(1), emit: bench.journal.emit, faithful: faithfulSet({ as }) },
  });
  bench.onClose(() => made.close());
  return made;
}

const failure = (dial: Promise<unknown>): Promise<string> =>
  dial.then(
    () => 'connected',
    (error: Error) => error.message,
  );

/** The next failed attempt after `since` of them. */
async function attempts(count: number): Promise<void> {
  const failed = (): number => bench.journal.events().filter(({ kind }) => kind === 'dial.failed').length;
  await expect.poll(failed).toBeGreaterThanOrEqual(count);
}

const refused = (): string =>
  `context deadline exceeded: connection error: desc = "transport: Error while dialing: dial unix ${path}: connect: no such file or directory"`;

describe('a dial over GRPC without a proxy-server', () => {
  it('is tried again for 30 s, with longer and longer pauses, and then fails', async () => {
    const dial = failure(dialer().dial('10.0.1.11', 10250));
    let over = false;
    void dial.then(() => (over = true));
    let count = 0;
    while (!over && count < 20) {
      await attempts(++count);
      if (clock.now() < 30_000) expect(over).toBe(false);
      clock.advance(Math.min(1_300 * 1.6 ** (count - 1), 30_000 - clock.now()));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await dial).toBe(refused());
    expect(clock.now()).toBe(30_000);
    expect(count).toBeGreaterThan(4);
    expect(count).toBeLessThan(10);
  });

  it('reaches a server that comes back in that time', async () => {
    const dial = dialer().dial(host, 1);
    const text = failure(dial);
    await attempts(1);
    const server = await bench.server({ frontends: [{ kind: 'unix', path }] });
    await bench.connectedAgent(server);
    clock.advance(1_300);
    expect(await text).toBe(`dial tcp ${host}:1: connect: connection refused`);
  });

  it('stops when its request ends', async () => {
    const gone = new AbortController();
    const dial = dialer().dial(host, 1, { signal: gone.signal });
    const text = failure(dial);
    await attempts(1);
    gone.abort();
    expect(await text).toBe('dial timeout, context');
  });

  it('stops when the dialer is closed', async () => {
    const client = dialer();
    const text = failure(client.dial(host, 1));
    await attempts(1);
    await expect.poll(() => clock.pendingTimers).toBe(1);
    expect(client.openConnections).toBe(1);
    await client.close();
    expect(await text).toBe('the tunnel client is closed');
    expect(client.openConnections).toBe(0);
  });

  it('fails at once when ideal parts are asked for', async () => {
    expect(await failure(dialer('ideal').dial(host, 1))).toBe(refused());
    expect(clock.now()).toBe(0);
  });
});

describe('a dial over GRPC to a proxy-server that does not run on', () => {
  it.each<BehaviourMode>(['real', 'ideal'])('fails after 30 s, in grpc-go’s words (%s)', async (as) => {
    const silent = createServer((socket) => socket.on('error', () => undefined).resume());
    silent.listen(path);
    await once(silent, 'listening');
    bench.onClose(async () => void silent.close());
    const accepted = soon<void>(
      (resolve) => silent.once('connection', () => resolve()),
      'the connection of the dialer',
    );
    const text = failure(dialer(as).dial(host, 1));
    await accepted;
    clock.advance(30_000);
    expect(await text).toBe(
      `context deadline exceeded: connection error: desc = "error reading server preface: read unix @->${path}: use of closed network connection"`,
    );
  });
});

describe('a dial over GRPC to a socket of something else', () => {
  it('fails in grpc-go’s words', async () => {
    const other = createServer((socket) =>
      socket
        .on('error', () => undefined)
        .resume()
        .end(),
    ).listen(path);
    await once(other, 'listening');
    bench.onClose(async () => void other.close());
    expect(await failure(dialer('ideal').dial(host, 1))).toBe(
      'context deadline exceeded: connection error: desc = "error reading server preface: EOF"',
    );
  });
});

describe('a connection over GRPC', () => {
  it('has an HTTP/2 connection of its own, as each of kube-apiserver’s has', async () => {
    const server = await bench.server({ frontends: [{ kind: 'unix', path }] });
    const target = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, host);
    await once(target, 'listening');
    const port = (target.address() as { port: number }).port;
    await bench.connectedAgent(server);
    const client = dialer();
    const both = await Promise.all([client.dial(host, port), client.dial(host, port)]);
    expect(client.openConnections).toBe(2);
    for (const connection of both) connection.destroy();
    await expect.poll(() => client.openConnections).toBe(0);
    target.close();
  });
});
