import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createDuplexPair } from '../../src/containers/io/duplex-pair.js';
import { createRealClock } from '../../src/core/clock.js';
import { createRandom, type Random } from '../../src/core/random.js';
import { servePortForward } from '../../src/streams/port-forward-server.js';
import { serveRemoteCommand } from '../../src/streams/remote-command-server.js';
import type { RemoteCommandResult, RemoteCommandStreams, Upgrade } from '../../src/streams/types.js';
import { startUpgradeServer } from '../unit/streams/support/upgrade-server.js';
import { oneIn, pick } from './packet-source.js';
import type { FuzzRun } from './run-side.js';
import { channelBytes, spdyBytes, tunnelledBytes } from './stream-frames.js';

interface Door {
  readonly path: string;
  readonly protocol: string;
  readonly bytes: (random: Random, frames: number) => Buffer | Promise<Buffer>;
}

const doors: readonly Door[] = [
  { path: '/exec', protocol: 'v4.channel.k8s.io', bytes: spdyBytes },
  { path: '/portForward', protocol: 'portforward.k8s.io', bytes: spdyBytes },
  { path: '/exec', protocol: 'v5.channel.k8s.io', bytes: channelBytes },
  { path: '/exec', protocol: 'v4.channel.k8s.io', bytes: channelBytes },
  { path: '/exec', protocol: 'base64.channel.k8s.io', bytes: channelBytes },
  { path: '/portForward?port=80,81', protocol: 'v4.channel.k8s.io', bytes: channelBytes },
  { path: '/portForward', protocol: 'SPDY/3.1+portforward.k8s.io', bytes: tunnelledBytes },
];

function head({ path, protocol, bytes }: Door): string {
  const upgrade =
    bytes === spdyBytes
      ? `Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n`
      : `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: ${protocol}\r\n`;
  return `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n${upgrade}\r\n`;
}

/** What runs behind the doors: all of it has to end with its client. */
class Behind {
  commands = 0;
  readonly targets = new Set<Duplex>();
  private readonly clock = createRealClock();

  serve(upgrade: Upgrade): void {
    const { clock } = this;
    if (upgrade.request.url?.startsWith('/exec') === true) {
      const options = { stdin: true, stdout: true, stderr: true, tty: false };
      const run = (streams: RemoteCommandStreams): Promise<RemoteCommandResult> => this.run(streams);
      serveRemoteCommand(upgrade, options, run, { clock, operation: 'exec' });
    } else {
      servePortForward(upgrade, (port) => this.connect(port), { clock, podId: 'POD' });
    }
  }

  private async run({ stdin, stdout, signal }: RemoteCommandStreams): Promise<RemoteCommandResult> {
    this.commands += 1;
    try {
      if (stdin !== undefined && stdout !== undefined) await pipeline(stdin, stdout, { signal });
      return { kind: 'exit', code: 0 };
    } finally {
      this.commands -= 1;
    }
  }

  private connect(port: number): Promise<Duplex> {
    if (port !== 80) return Promise.reject(new Error('connection refused'));
    const [near, far] = createDuplexPair();
    this.targets.add(near);
    near.once('close', () => this.targets.delete(near));
    far.on('error', () => undefined);
    far.pipe(far);
    return Promise.resolve(near);
  }
}

/** Sends what a client sends behind its upgrade, then its end; resolves when the server has closed the connection. */
async function visit(
  socket: Socket,
  door: Door,
  { bytes, cut, hasty }: { bytes: Buffer; cut: number; hasty: boolean },
): Promise<string> {
  let answer = '';
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const upgraded = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.on('data', (chunk: Buffer) => {
      answer ||= chunk.toString('latin1', 0, 12);
      resolve();
    });
  });
  socket.write(head(door));
  await upgraded;
  socket.write(bytes.subarray(0, cut));
  if (hasty) socket.destroySoon();
  else socket.end(bytes.subarray(cut));
  await closed;
  return answer;
}

const atOnce = 16;

/** Real sockets to the servers of exec and port-forward: each connection ends, and so does all that it started. */
export async function fuzzStreams({ seed, packets, progress }: FuzzRun): Promise<number> {
  const random = createRandom(seed);
  const behind = new Behind();
  const server = await startUpgradeServer((upgrade) => behind.serve(upgrade));
  let count = 0;
  const visitor = async (): Promise<void> => {
    while (count < packets) {
      progress(count);
      const frames = Math.min(packets - count, 1 + random.below(40));
      count += frames;
      const door = pick(random, doors);
      const bytes = await door.bytes(random, frames);
      const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
      const answer = await visit(socket, door, {
        bytes,
        cut: random.below(bytes.length + 1),
        hasty: oneIn(random, 10),
      });
      if (answer !== 'HTTP/1.1 101')
        throw new Error(`${door.path} over ${door.protocol} is answered with ${answer}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, visitor));
    await settled(behind);
  } finally {
    await server.close();
  }
  return 0;
}

/** Ends after all connections are closed may take some turns of the event loop, and no time. */
async function settled(behind: Behind): Promise<void> {
  for (let turns = 0; turns < 1_000; turns += 1) {
    if (behind.commands === 0 && behind.targets.size === 0) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(
    `${behind.commands} commands and ${behind.targets.size} port connections have outlived their clients`,
  );
}
